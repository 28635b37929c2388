import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';
import { unpack } from '../../functions/model/archives';
import { unpack as unpackTo } from '../../embedded/gateway/archives';

async function archive(files: Record<string, Buffer>): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content);
  tar.finalize();
  return gzipSync(await buffer(tar));
}

const small = { bytes: 2 ** 20, members: 3 };

test('gives the wanted files, whatever lies beside them', async () => {
  const files = await unpack(
    await archive({ 'a/evaluation.json': Buffer.from('{}'), other: Buffer.alloc(1000) }),
    ['evaluation.json'],
    small,
  );

  expect([...files].map(([name, content]) => [name, content.toString()])).toEqual([
    ['evaluation.json', '{}'],
  ]);
});

test.each([
  ['a bomb', () => archive({ wanted: Buffer.alloc(2 ** 21) }), /unpacks to more than 1 MB/],
  [
    'an archive of very many files',
    () => archive(Object.fromEntries('abcd'.split('').map((name) => [name, Buffer.from(name)]))),
    /more than 3 members/,
  ],
  ['something else', () => Promise.resolve(Buffer.from('not an archive')), /cannot be unpacked/],
])('%s is refused, by the step and by the gateway', async (_, make, why) => {
  const bytes = await make();
  const folder = mkdtempSync(join(tmpdir(), 'lake-archive-'));
  writeFileSync(join(folder, 'model.tar.gz'), bytes);
  try {
    await expect(unpack(bytes, ['wanted'], small)).rejects.toMatchObject({
      name: 'TrainingFailed',
      message: expect.stringMatching(why),
    });
    await expect(
      unpackTo(join(folder, 'model.tar.gz'), join(folder, 'model'), small),
    ).rejects.toThrow();
  } finally {
    rmSync(folder, { recursive: true, force: true });
  }
});
