import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** Within this time a guard (guard.mjs) notices that its set-up has died and ends its command. */
const guardMillis = 1_500;

function holderOf(path) {
  try {
    return Number(readFileSync(path, 'utf8'));
  } catch {
    return null;
  }
}

function isAlive(pid) {
  try {
    process.kill(pid, 0);
    return true;
  } catch (error) {
    return error.code === 'EPERM';
  }
}

/** Takes the lock at `path`, or returns the holder's process id. Linking a complete file is atomic. */
function tryLock(path) {
  const mine = `${path}.${process.pid}`;
  writeFileSync(mine, String(process.pid));
  try {
    linkSync(mine, path);
    return null;
  } catch {
    return holderOf(path) ?? 0;
  } finally {
    rmSync(mine, { force: true });
  }
}

/**
 * Waits until no other set-up works in this folder, then takes the lock. Removes the lock of a
 * process that was killed. Returns the function that releases the lock.
 */
export async function lockSetup(path, onWait) {
  let hasReported = false;
  for (;;) {
    const holder = tryLock(path);
    if (holder === null) break;
    if (holder !== 0 && !isAlive(holder)) {
      await sleep(guardMillis);
      // Another process may have taken the lock meanwhile: remove only the dead process's lock.
      if (holderOf(path) === holder) rmSync(path, { force: true });
      continue;
    }
    if (!hasReported && holder !== 0) onWait(holder);
    hasReported = true;
    await sleep(500);
  }
  const release = () => {
    if (holderOf(path) === process.pid) rmSync(path, { force: true });
  };
  process.once('exit', release);
  return release;
}
