import {
  appendFileSync,
  copyFileSync,
  mkdirSync,
  readdirSync,
  renameSync,
  rmSync,
  statSync,
  truncateSync,
} from 'node:fs';
import { join } from 'node:path';

/** Bytes. A larger log is put aside as `.1`, in place of the one before. */
export const largestLog = 16 * 1024 * 1024;
/** Number of run folders that are kept. Each holds a report and a history of about 1 MB. */
const keptRuns = 50;

/** How often a lake that runs for long looks for what grew too large. */
const rotationMillis = 10 * 60_000;

/** Appends a line with the time to a log. */
export const appendLog = (path: string, line: string): void =>
  appendRaw(path, `${new Date().toISOString()} ${line}`);

/** Appends a line to a log. A log that cannot be written must not end the program. */
export function appendRaw(path: string, line: string): void {
  try {
    appendFileSync(path, `${line}\n`);
  } catch {
    // The disk is full or the folder was deleted. Writing the lake's state will report that.
  }
}

const isTooLarge = (path: string): boolean =>
  (statSync(path, { throwIfNoEntry: false })?.size ?? 0) > largestLog;

/** Rotates a log that is opened anew for each line: at most two files of it are kept. */
function rotateLog(path: string): void {
  if (isTooLarge(path)) renameSync(path, `${path}.1`);
}

/** Rotates a log that a program holds open to append to it. Lines of the moment in between are lost. */
function rotateOpenLog(path: string): void {
  if (!isTooLarge(path)) return;
  copyFileSync(path, `${path}.1`);
  truncateSync(path);
}

const namesIn = (folder: string): string[] => {
  try {
    return readdirSync(folder);
  } catch {
    return [];
  }
};

/**
 * Removes the oldest entries of a folder (job logs, run folders) until `count` are left. No data are lost: the
 * bucket keeps each run's report and history.
 */
export function keepNewest(folder: string, count: number): void {
  const byAge = namesIn(folder)
    .map((name) => ({ path: join(folder, name), at: statSync(join(folder, name)).mtimeMs }))
    .sort((a, b) => b.at - a.at);
  for (const { path } of byAge.slice(count)) rmSync(path, { recursive: true, force: true });
}

/** Removes old run folders and job logs from a lake's folder, and rotates the other logs. */
export function clearOldRuns(home: string): void {
  const logs = join(home, 'logs');
  mkdirSync(logs, { recursive: true });
  keepNewest(join(home, 'runs'), keptRuns);
  // A run has up to four Spark jobs and one training job.
  for (const jobs of ['glue', 'training']) keepNewest(join(logs, jobs), keptRuns * 4);
  for (const name of ['launcher', 'gateway', 'deploy']) rotateLog(join(logs, `${name}.log`));
  for (const jobs of ['glue', 'training', 'endpoints']) {
    for (const name of namesIn(join(logs, jobs)))
      if (name.endsWith('.log')) rotateOpenLog(join(logs, jobs, name));
  }
}

/** Does the same from now on; returns what ends it. */
export function keepLogsSmall(home: string, everyMillis = rotationMillis): () => void {
  const timer = setInterval(() => {
    try {
      clearOldRuns(home);
    } catch {
      // The disk is full or the folder was deleted. Writing the lake's state will report that.
    }
  }, everyMillis);
  timer.unref();
  return () => clearInterval(timer);
}
