import { appendFileSync, mkdirSync, readdirSync, renameSync, rmSync, statSync } from 'node:fs';
import { dirname, join } from 'node:path';

/** Bytes. A larger log is renamed when the next one begins; the previous renamed log is deleted. */
const largestLog = 16 * 1024 * 1024;
/** Number of run folders that are kept. Each holds a report and a history of about 1 MB. */
const keptRuns = 50;

/** Appends a line to a log. A log that cannot be written must not end the program. */
export function appendLog(path: string, line: string): void {
  try {
    appendFileSync(path, `${new Date().toISOString()} ${line}\n`);
  } catch {
    // The disk is full or the folder was deleted. Writing the lake's state will report that.
  }
}

/** Rotates a log that is about to be opened: at most two files of it are kept. */
export function rotateLog(path: string): void {
  mkdirSync(dirname(path), { recursive: true });
  const size = statSync(path, { throwIfNoEntry: false })?.size ?? 0;
  if (size > largestLog) renameSync(path, `${path}.1`);
}

/**
 * Removes the oldest entries of a folder (job logs, run folders) until `count` are left. No data are lost: the
 * bucket keeps each run's report and history.
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

/** Removes old run folders and job logs from a lake's folder. */
export function clearOldRuns(home: string): void {
  keepNewest(join(home, 'runs'), keptRuns);
  // A run has up to four Spark jobs and one training job.
  for (const jobs of ['glue', 'training']) keepNewest(join(home, 'logs', jobs), keptRuns * 4);
  for (const name of ['launcher', 'gateway', 'deploy'])
    rotateLog(join(home, 'logs', `${name}.log`));
}
