import { linkSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { errorCode, writeAtomically } from '../../session/files';
import { makePrivate } from './private';

/** Which command keeps a lake running. */
export const Command = z.enum(['start', 'up', 'lake']);
export type Command = z.infer<typeof Command>;

/**
 * Of one shape for good: a release that cannot read who holds a lake would take the lake from under them. Releases up
 * to 484cd63 read nothing with more fields.
 */
const Holder = z.looseObject({
  pid: z.number().int().positive(),
  command: Command,
  bootedAt: z.string(),
});
export type Holder = Pick<z.infer<typeof Holder>, 'pid' | 'command' | 'bootedAt'>;

const lockPath = (home: string): string => join(home, 'lock');

/** Changes with each boot of the machine, after which old process ids mean nothing. */
function bootOfMachine(): string {
  try {
    return readFileSync('/proc/sys/kernel/random/boot_id', 'utf8').trim();
  } catch {
    return '';
  }
}

export function isAlive(pid: number): boolean {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return errorCode(error) === 'EPERM';
  }
}

function read(path: string): Holder | undefined {
  try {
    return Holder.parse(JSON.parse(readFileSync(path, 'utf8')));
  } catch {
    return undefined;
  }
}

const isHeld = (holder: Holder): boolean =>
  holder.bootedAt === bootOfMachine() && isAlive(holder.pid);

/** Who keeps the lake in `home` running, if anyone does. */
export function holderOf(home: string): Holder | undefined {
  const holder = read(lockPath(home));
  return holder && isHeld(holder) ? holder : undefined;
}

/**
 * Takes the lock of a lake's folder: two clouds over the same files would ruin them. Answers the
 * holder when there is one; a lock left by a killed process is taken over.
 */
export function lockHome(
  home: string,
  command: Command,
): { holder: Holder } | { release: () => void } {
  makePrivate(home);
  const path = lockPath(home);
  const mine = `${path}.${process.pid}`;
  writeAtomically(mine, JSON.stringify({ pid: process.pid, command, bootedAt: bootOfMachine() }));
  try {
    for (;;) {
      try {
        // A link to a finished file appears whole, and only once.
        linkSync(mine, path);
        return {
          release: () => {
            if (read(path)?.pid === process.pid) rmSync(path, { force: true });
          },
        };
      } catch (error) {
        if (errorCode(error) !== 'EEXIST') throw error;
      }
      const holder = read(path);
      if (holder && isHeld(holder)) return { holder };
      discardStale(path);
    }
  } finally {
    rmSync(mine, { force: true });
  }
}

/** Moves a dead process's lock away; if another process took it over just before, it gets it back. */
function discardStale(path: string): void {
  const aside = `${path}.${process.pid}.stale`;
  try {
    renameSync(path, aside);
  } catch {
    return;
  }
  const moved = read(aside);
  if (moved && isHeld(moved)) {
    try {
      linkSync(aside, path);
    } catch {
      // A third process holds it now; the one moved aside finds out when it looks at its lock.
    }
  }
  rmSync(aside, { force: true });
}
