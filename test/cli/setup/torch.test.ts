import { ask } from './run';

const source = async (options: string): Promise<unknown> =>
  JSON.parse(await ask('torch.mjs', `m.torchSource(${options})`));

const cuda = 'ml/training/torch.txt';
const cpu = 'ml/training/torch-cpu.txt';

test.each([
  ["{ platform: 'linux', find: async () => true }", ['--no-deps', '-r', cpu]],
  ["{ platform: 'linux', find: async () => false }", ['--no-deps', '-r', cuda]],
  ["{ platform: 'darwin', find: async () => false }", ['--no-deps', '-r', cuda]],
  [
    "{ platform: 'linux', index: 'https://packages.example/cpu', find: async () => false }",
    ['--no-deps', '--index-url', 'https://packages.example/cpu', '-r', cpu],
  ],
  [
    "{ platform: 'darwin', index: 'https://packages.example/cpu', find: async () => false }",
    ['--no-deps', '--index-url', 'https://packages.example/cpu', '-r', cuda],
  ],
])('PyTorch for %s', async (options, args) => {
  expect(await source(options)).toMatchObject({ args });
});

test('CUDA is not brought without a word', async () => {
  const answer = await source("{ platform: 'linux', find: async () => false }");

  expect(answer).toMatchObject({
    name: expect.stringMatching(/with CUDA: several GB; the README/),
  });
});
