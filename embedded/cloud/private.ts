import { chmodSync, lstatSync, mkdirSync, readdirSync } from 'node:fs';
import { basename, join } from 'node:path';

/** Names of the files that a lake keeps in its folder. A folder with other files is shared with something else. */
const ours =
  /^(cdk\.out(-\w+)?|cloud\.json|cloud-state|deployed|endpoints|gateway|jobs|lambda-tmp|launcher\.pid|lock|logs|runs|s3|state|training|verify|x|root-.*|.*\.(part|stale|unreadable))(\..*)?$/;
/** Mode bits of group and others. */
const open = 0o077;

/**
 * Creates a lake's folder, or removes other users' access to an existing one and to the lake's files in it. A lake
 * writes private files from the start (umask, cli/setup/main.mjs), but an older or copied lake may be readable.
 */
export function makePrivate(home: string): void {
  mkdirSync(home, { recursive: true, mode: 0o700 });
  const names = readdirSync(home);
  for (const name of names.filter((name) => ours.test(name))) closeBelow(join(home, name));
  // Last, so that an interrupted walk is repeated. With `LAKE_HOME=~` the folder also holds the user's own files.
  if (names.every((name) => ours.test(name))) close(home);
}

/** Removes other users' access to a file, or to a folder and everything in it. */
function closeBelow(path: string): void {
  const found = lstatSync(path, { throwIfNoEntry: false });
  // A symbolic link has no mode of its own, and chmod would change its target.
  if (!found || found.isSymbolicLink()) return;
  // Only the buckets' folder has many files. ministack writes those privately, so the walk can skip it.
  const isClosedBucket = basename(path) === 's3' && (found.mode & open) === 0;
  if (found.isDirectory() && !isClosedBucket)
    for (const name of readdirSync(path)) closeBelow(join(path, name));
  close(path);
}

function close(path: string): void {
  const { mode } = lstatSync(path);
  if ((mode & open) !== 0) chmodSync(path, mode & 0o7777 & ~open);
}
