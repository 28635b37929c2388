import { execFileSync, spawnSync } from 'node:child_process';
import { UserError } from '../../session/user-error';

/** What a person installs for this check, beside the project's own prerequisites: command and Debian's package. */
const needed: readonly (readonly [command: string, debian: string])[] = [
  ['buildah', 'buildah'],
  ['debootstrap', 'debootstrap'],
  ['unshare', 'util-linux'],
  ['ip', 'iproute2'],
];

/** Throws UserError that names everything that is missing at once. */
export function checkMachine(): void {
  if (process.platform !== 'linux' || process.getuid?.() !== 0)
    throw new UserError(
      'Building the images without Docker needs Linux and root: a base image is installed with debootstrap, and a container is a mount and network namespace.',
    );
  const missing = needed.filter(
    ([command]) => spawnSync('sh', ['-c', `command -v ${command}`]).status !== 0,
  );
  if (missing.length === 0) return;
  throw new UserError(
    `Missing: ${missing.map(([command]) => command).join(', ')}. On Debian: apt-get install --no-install-recommends ${missing.map(([, debian]) => debian).join(' ')}`,
  );
}

/** The last lines a program wrote, for an error that a person reads. */
const tail = (text: string): string => text.trimEnd().split('\n').slice(-25).join('\n');

/** Standard output of a program. Throws UserError with the end of what it wrote when it fails. */
export function output(command: string, args: readonly string[], cwd?: string): string {
  const { status, stdout, stderr, error } = spawnSync(command, args, {
    cwd,
    encoding: 'utf8',
    maxBuffer: 1 << 28,
  });
  if (error) throw error;
  if (status === 0) return stdout;
  throw new UserError(
    `${command} ${args.slice(0, 6).join(' ')} … ended with ${status}:\n${tail(stdout + stderr)}`,
  );
}

/** A command whose output nobody needs. */
export const run = (command: string, ...args: string[]): void => {
  execFileSync(command, args, { stdio: ['ignore', 'ignore', 'inherit'] });
};
