import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeAtomically } from '../../session/files';
import type { Workspace } from '../../session/workspace';

/** A launcher whose parent died saves its state and ends; it takes a second or two. */
const patienceMillis = 15_000;

const pidPath = (home: string): string => join(home, 'launcher.pid');

export const rememberLauncher = (home: string, pid: number): void =>
  writeAtomically(pidPath(home), String(pid));

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    // No such process, or a system without /proc.
  }
  try {
    return execFileSync('ps', ['-o', 'args=', '-p', String(pid)], {
      encoding: 'utf8',
      stdio: ['ignore', 'pipe', 'ignore'],
    });
  } catch {
    return '';
  }
}

/** Process ids are given again: only one that runs a launcher on this very folder is ours. */
function runningLauncher(home: string): number | undefined {
  let pid: number;
  try {
    pid = Number(readFileSync(pidPath(home), 'utf8'));
  } catch {
    return undefined;
  }
  const words = commandLineOf(pid).trim().split(' ');
  return words.includes('embedded.launcher') && words.includes(home) ? pid : undefined;
}

/**
 * Waits for the end of the launcher that a killed command left behind: it is still saving what the next
 * one is about to read. One that does not end is killed with its group.
 */
export async function predecessorEnds(workspace: Workspace): Promise<void> {
  const deadline = Date.now() + patienceMillis;
  for (
    let pid = runningLauncher(workspace.home);
    pid !== undefined;
    pid = runningLauncher(workspace.home)
  ) {
    if (Date.now() > deadline) process.kill(-pid, 'SIGKILL');
    await sleep(100, undefined, { signal: workspace.signal });
  }
}
