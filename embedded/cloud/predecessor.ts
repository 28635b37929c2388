import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { setTimeout as sleep } from 'node:timers/promises';
import { writeAtomically } from '../../session/files';
import type { Workspace } from '../../session/workspace';

/** A launcher whose parent died saves its state and ends, which takes one or two seconds. */
const patienceMillis = 15_000;

const pidPath = (home: string): string => join(home, 'launcher.pid');

export const rememberLauncher = (home: string, pid: number): void =>
  writeAtomically(pidPath(home), String(pid));

function commandLineOf(pid: number): string {
  try {
    return readFileSync(`/proc/${pid}/cmdline`, 'utf8').replaceAll('\0', ' ');
  } catch {
    // There is no such process, or the system has no /proc.
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

/** Systems reuse process ids, so this checks that the process is a launcher on this folder. */
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
 * Waits until the launcher of a killed command has ended, because it is still saving the state that the next
 * launcher will read. Kills its process group after 15 s.
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
