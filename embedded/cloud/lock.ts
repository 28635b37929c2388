import { linkSync, readFileSync, renameSync, rmSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { errorCode, writeAtomically } from '../../session/files';
import { makePrivate } from './private';

/** The command that keeps a lake running. */
export const Command = z.enum(['start', 'up', 'lake']);
export type Command = z.infer<typeof Command>;

/**
 * This shape must never change: a release that cannot read the lock would start a second cloud on the same lake.
 * Releases up to 484cd63 cannot read a lock with more fields.
 */
const Holder = z.looseObject({
  pid: z.number().int().positive(),
  command: Command,
  bootedAt: z.string(),
});
export type Holder = Pick<z.infer<typeof Holder>, 'pid' | 'command' | 'bootedAt'>;

const lockPath = (home: string): string => join(home, 'lock');

/** An id of the machine's current boot. Process ids from before a reboot mean nothing. */
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

/** The process that keeps the lake in `home` running; undefined when none does. */
export function holderOf(home: string): Holder | undefined {
  const holder = read(lockPath(home));
  return holder && isHeld(holder) ? holder : undefined;
}

/** A lock that this process holds. */
export interface Held {
  release: () => void;
  /** From now on other commands may join the lake, as they join that of `npm run up`. */
  keepUp: () => void;
}

/**
 * Acquires the lock of a lake's folder, because two clouds would corrupt the same files. Returns the
 * current holder if there is one. A lock that a killed process left behind is replaced.
 */
export function lockHome(home: string, command: Command): { holder: Holder } | Held {
  makePrivate(home);
  const path = lockPath(home);
  const mine = `${path}.${process.pid}`;
  const asHolder = (held: Command) =>
    JSON.stringify({ pid: process.pid, command: held, bootedAt: bootOfMachine() });
  writeAtomically(mine, asHolder(command));
  try {
    for (;;) {
      try {
        // A hard link to a finished file appears complete, and fails if the path already exists.
        linkSync(mine, path);
        return {
          release: () => {
            if (read(path)?.pid === process.pid) rmSync(path, { force: true });
          },
          keepUp: () => {
            if (read(path)?.pid === process.pid) writeAtomically(path, asHolder('up'));
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

/** Moves a dead process's lock away. Restores it if another process acquired it just before. */
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
      // A third process holds the lock now. The process whose lock was moved sees that when it checks.
    }
  }
  rmSync(aside, { force: true });
}
