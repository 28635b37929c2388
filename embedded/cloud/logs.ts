import { appendFileSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** A log that grew beyond this is put aside when the next one begins; the one before it goes. */
const largestLog = 16 * 1024 * 1024;
/** Folders of runs that are kept, newest first: each holds a report and a history of about 1 MB. */
const keptRuns = 50;

/** Adds a line to a log. A log that cannot be written must not end what it tells of. */
export function appendLog(path: string, line: string): void {
  try {
    appendFileSync(path, `${new Date().toISOString()} ${line}\n`);
  } catch {
    // A full disk, or a folder that is gone: whoever writes the lake's state says so.
  }
}

/** Makes room for a log that is about to be opened: at most two files of it are kept. */
export function rotateLog(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > largestLog) renameSync(path, `${path}.1`);
}

/**
 * Removes the oldest files of a folder: logs of jobs that ended, folders of runs. Never a lake's data: the bucket
 * keeps each run's report and history.
 */
export function keepNewest(folder: string, count: number): void {
  let names: string[];
  try {
    names = readdirSync(folder);
  } catch {
    return;
  }
  const byAge = names
    .map((name) => ({ path: join(folder, name), at: statSync(join(folder, name)).mtimeMs }))
    .sort((a, b) => b.at - a.at);
  for (const { path } of byAge.slice(count)) rmSync(path, { recursive: true, force: true });
}

/** What a lake's folder gathers run after run. */
export function clearOldRuns(home: string): void {
  keepNewest(join(home, 'runs'), keptRuns);
  // A run has up to four jobs of Spark and one of training.
  for (const jobs of ['glue', 'training']) keepNewest(join(home, 'logs', jobs), keptRuns * 4);
  for (const name of ['launcher', 'gateway', 'deploy'])
    rotateLog(join(home, 'logs', `${name}.log`));
}
