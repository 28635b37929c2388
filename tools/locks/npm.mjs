// `npm run lock:npm`: run it after a change of package.json or ml/serving/package.json. It adds missing integrities to
// package-lock.json (npm leaves them out for binaries of other platforms), and writes the serving image's lock with
// the same versions.
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
  // For very old packages the registry has only sha1, which can be forged.
  if (!/^sha512-[A-Za-z0-9+/]{86}==$/.test(answer)) {
    throw new Error(`${asked}: the registry's integrity is "${answer}", but must be a sha512`);
  }
  // In npm's order of keys, so that npm's next write changes nothing.
  const { version, ...rest } = entry;
  for (const key of Object.keys(entry)) delete entry[key];
  Object.assign(entry, { version, integrity: answer, ...rest });
  console.log(`${asked} ${answer}`);
}
writeFileSync(file, `${JSON.stringify(lock, null, 2)}\n`);

// npm removes packages that the neighbouring package.json does not need, and changes nothing else.
const serving = fileURLToPath(new URL('../../ml/serving', import.meta.url));
copyFileSync(file, `${serving}/package-lock.json`);
const only = [
  'install',
  '--package-lock-only',
  '--ignore-scripts',
  '--omit-lockfile-registry-resolved',
];
execFileSync('npm', only, { cwd: serving, stdio: ['ignore', 'ignore', 'inherit'] });
