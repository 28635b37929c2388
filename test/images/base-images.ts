import {
  copyFileSync,
  existsSync,
  mkdirSync,
  readdirSync,
  readFileSync,
  rmSync,
  symlinkSync,
} from 'node:fs';
import { homedir } from 'node:os';
import { dirname, join } from 'node:path';
import { UserError } from '../../session/user-error';
import type { Images } from './buildah';
import { output } from './commands';

/*
 * Roots that resemble Docker's official images node:24-bookworm-slim and python:3.x-slim, which no registry of packages
 * has: Debian's smallest system with Node from npm's package node-linux-<arch>, or with Debian's own Python. They differ in where
 * Python lies (/usr/bin, not /usr/local/bin), in its patch version, and in what else a slim image brings.
 */

/** Debian's release, and so its Python: bookworm has 3.11, trixie 3.13, as the real base image. */
export type Suite = 'bookworm' | 'trixie';

const certificates = '/etc/ssl/certs/ca-certificates.crt';

/** Where this machine's package managers look, and whom they trust: a mirror or proxy may stand between. */
const passedOn = [
  'NODE_EXTRA_CA_CERTS',
  'SSL_CERT_FILE',
  'PIP_CERT',
  'PIP_INDEX_URL',
  'PIP_FIND_LINKS',
  'NPM_CONFIG_REGISTRY',
  'HTTP_PROXY',
  'HTTPS_PROXY',
  'NO_PROXY',
];

export const packageSettings = (): Record<string, string> =>
  Object.fromEntries(
    passedOn.flatMap((name) => {
      const value = process.env[name];
      return value === undefined ? [] : [[name, value]];
    }),
  );

/** Folders of files that pip is to find, by PIP_FIND_LINKS: a build has to see them, too. */
export const wheelFolders = (): string[] =>
  (process.env.PIP_FIND_LINKS ?? '')
    .split(/\s+/)
    .filter((path) => path.startsWith('/') && existsSync(path));

/** The mirror that this machine's apt uses, or none for debootstrap's own. */
function mirror(): string[] {
  const folder = '/etc/apt/sources.list.d';
  const files = [
    '/etc/apt/sources.list',
    ...(existsSync(folder) ? readdirSync(folder).map((name) => join(folder, name)) : []),
  ].filter((file) => existsSync(file));
  for (const file of files) {
    const [, address] =
      /^(?:URIs:\s*|deb (?:\[[^\]]*\] )?)(\S+\/debian)\/?(?=\s|$)/m.exec(
        readFileSync(file, 'utf8'),
      ) ?? [];
    if (address !== undefined) return [address];
  }
  return [];
}

function debian(suite: Suite, root: string): void {
  output('debootstrap', [
    '--variant=minbase',
    '--include=ca-certificates',
    suite,
    root,
    ...mirror(),
  ]);
  if (existsSync(certificates)) copyFileSync(certificates, join(root, certificates));
  copyFileSync('/etc/resolv.conf', join(root, 'etc/resolv.conf'));
}

function copyIfThere(from: string, to: string): void {
  if (!existsSync(from)) return;
  mkdirSync(dirname(to), { recursive: true });
  copyFileSync(from, to);
}

function withNode(root: string, version: string, scratch: string): void {
  const local = join(root, 'usr/local');
  const arch = process.arch === 'arm64' ? 'arm64' : 'x64';
  const pack = (name: string): string =>
    join(scratch, output('npm', ['pack', '--silent', name], scratch).trim());
  output('tar', [
    'xzf',
    pack(`node-linux-${arch}@${version}`),
    '-C',
    local,
    '--strip-components=1',
    'package/bin/node',
  ]);
  const modules = join(local, 'lib/node_modules');
  mkdirSync(modules, { recursive: true });
  output('tar', ['xzf', pack('npm@11'), '-C', modules]);
  output('mv', [join(modules, 'package'), join(modules, 'npm')]);
  symlinkSync('../lib/node_modules/npm/bin/npm-cli.js', join(local, 'bin/npm'));
  copyIfThere(join(homedir(), '.npmrc'), join(root, 'root/.npmrc'));
}

function withPython(root: string): void {
  output('chroot', [
    root,
    'sh',
    '-c',
    'apt-get update -qq && DEBIAN_FRONTEND=noninteractive apt-get install -y -qq --no-install-recommends python3 python3-pip && rm -rf /var/lib/apt/lists/*',
  ]);
  // An official image's Python is nobody's but the image's: pip may install into it.
  output('sh', ['-c', `rm -f ${root}/usr/lib/python3*/EXTERNALLY-MANAGED`]);
  symlinkSync('/usr/bin/python3', join(root, 'usr/local/bin/python'));
  copyIfThere('/etc/pip.conf', join(root, 'etc/pip.conf'));
}

/** The version that a Dockerfile's base image names: `…/node:24.19.0-bookworm-slim@…` is 24.19.0. Throws when it names none. */
export function baseVersion(dockerfile: string, image: 'node' | 'python'): string {
  const [, version] =
    new RegExp(`^ARG ${image.toUpperCase()}_IMAGE=\\S*/${image}:([\\d.]+)-`, 'm').exec(
      readFileSync(dockerfile, 'utf8'),
    ) ?? [];
  if (version === undefined)
    throw new UserError(
      `${dockerfile}: no ARG ${image.toUpperCase()}_IMAGE=…/${image}:<version>-…`,
    );
  return version;
}

/** Makes the two base images that are not in the store yet. Returns their tags. */
export function makeBases(
  images: Images,
  folder: string,
  node: string,
  suite: Suite,
  say: (line: string) => void,
): { node: string; python: string } {
  const tags = { node: `localhost/base-node:${node}`, python: `localhost/base-python:${suite}` };
  const environment = packageSettings();
  const make = (tag: string, of: Suite, furnish: (root: string) => void): void => {
    if (images.has(tag)) return;
    const root = join(folder, 'root');
    rmSync(root, { recursive: true, force: true });
    say(`${tag}: Debian ${of} by debootstrap, a minute or two …`);
    debian(of, root);
    furnish(root);
    images.import(root, tag, environment);
    rmSync(root, { recursive: true, force: true });
  };
  make(tags.node, 'bookworm', (root) => withNode(root, node, folder));
  make(tags.python, suite, withPython);
  return tags;
}
