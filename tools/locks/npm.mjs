// `npm run lock:npm`, after a change of package.json or ml/serving/package.json. Writes into package-lock.json the
// integrity of every package that has none (npm itself leaves it out for a platform's binary that this machine does
// not install), and makes the serving image's lock of the same versions.
import { execFileSync } from 'node:child_process';
import { copyFileSync, readFileSync, writeFileSync } from 'node:fs';
import { fileURLToPath } from 'node:url';
import { withoutIntegrity } from './npm-lock.mjs';

const file = fileURLToPath(new URL('../../package-lock.json', import.meta.url));
const lock = JSON.parse(readFileSync(file, 'utf8'));

for (const { name, entry } of withoutIntegrity(lock)) {
  const asked = `${name}@${entry.version}`;
  const answer = execFileSync('npm', ['view', asked, 'dist.integrity'], {
    encoding: 'utf8',
  }).trim();
  // The registry has sha1 alone of very old packages, and sha1 can be forged.
  if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(answer)) {
    throw new Error(`${asked}: the registry's integrity is "${answer}", and sha512 is needed`);
  }
  // In npm's own order of keys, so that its next writing changes nothing.
  const { version, ...rest } = entry;
  for (const key of Object.keys(entry)) delete entry[key];
  Object.assign(entry, { version, integrity: answer, ...rest });
  console.log(`${asked} ${answer}`);
}
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);

// npm leaves out of a lock what the package.json beside it does not want, and changes nothing else.
const serving = fileURLToPath(new URL('../../ml/serving', import.meta.url));
copyFileSync(file, `${serving}/package-lock.json`);
const only = [
  'install',
  '--package-lock-only',
  '--ignore-scripts',
  '--omit-lockfile-registry-resolved',
];
execFileSync('npm', only, { cwd: serving, stdio: ['ignore', 'ignore', 'inherit'] });
