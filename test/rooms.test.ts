import { execFileSync } from 'node:child_process';
import { mkdtempSync, rmSync, writeFileSync } from 'node:fs';
import { join, relative, resolve } from 'node:path';

const root = resolve(__dirname, '..');
const tracked = execFileSync('git', ['ls-files', '*.ts', '*.mjs'], { cwd: root, encoding: 'utf8' })
  .trim()
  .split('\n');
const script: string = JSON.parse(
  execFileSync('npm', ['pkg', 'get', 'scripts.imports'], { cwd: root, encoding: 'utf8' }),
);

test('the check of imports reads every folder that has code', () => {
  const rooms = script.split(' ').slice(3);
  const unread = tracked.filter(
    (path) =>
      path.includes('/') &&
      !path.startsWith('test/') &&
      !rooms.some((room) => path.startsWith(`${room}/`)),
  );

  // JavaScript in ml/training runs only inside its image build.
  expect(unread.filter((path) => !/^ml\/training\//.test(path))).toEqual([]);
});

test('an import that runs uphill is an error that names both files', () => {
  const folder = mkdtempSync(join(root, 'session', 'uphill-'));
  try {
    writeFileSync(join(folder, 'a.ts'), "export { seconds } from '../../cli/hints';\n");

    const check = () =>
      execFileSync('npx', ['depcruise', relative(root, folder)], { cwd: root, encoding: 'utf8' });

    expect(check).toThrow(
      expect.objectContaining({
        stdout: expect.stringMatching(/session-imports-downwards: .*a\.ts → cli\/hints\.ts/),
      }),
    );
  } finally {
    rmSync(folder, { recursive: true });
  }
});
