import { chmodSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

/** What a lake keeps in its folder. A folder that holds anything else is not the lake's alone. */
const ours =
  /^(cdk\.out(-\w+)?|cloud\.json|cloud-state|deployed|endpoints|gateway|jobs|lambda-tmp|launcher\.pid|lock|logs|runs|s3|state|training|verify|x|root-.*|.*\.(part|stale|unreadable))(\..*)?$/;
/** Group and others. */
const open = 0o077;

/**
 * Makes a lake's folder, or takes one that others could read away from them, with everything in it. Whatever a
 * lake writes is private from the start (umask, cli/setup/main.mjs); a lake of before that, or one that was
 * copied, is not.
 */
export function makePrivate(home: string): void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const names = readdirSync(home);
  for (const name of names.filter((name) => ours.test(name))) closeBelow(join(home, name));
  // Last, so that a walk that was cut short is done again. `LAKE_HOME=~` is a folder with other things in it.
  if (names.every((name) => ours.test(name))) close(home);
}

/** Takes a file, or a folder with all it holds, away from others. */
function closeBelow(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  // The mode of a symbolic link means nothing, and chmod would change its target.
  if (!found || found.isSymbolicLink()) return;
  // The buckets, the one folder with many files, are written privately by ministack itself.
  const isClosedBucket = basename(path) === 's3' && (found.mode & open) === 0;
  if (found.isDirectory() && !isClosedBucket)
    for (const name of readdirSync(path)) closeBelow(join(path, name));
  close(path);
}

function close(path: string): void {
  const { mode } = lstatSync(path);
  if ((mode & open) !== 0) chmodSync(path, mode & 0o7777 & ~open);
}
