import { linkSync, readFileSync, rmSync, writeFileSync } from 'node:fs';
import { setTimeout as sleep } from 'node:timers/promises';

/** A guard (guard.mjs) notices the death of its set-up within this time, and ends what it guards. */
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

/** Takes the lock at `path`, or answers who holds it. Linking a finished file is atomic. */
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
 * Waits until no other set-up works in this folder, then takes its place. A lock whose process is
 * gone (killed) is taken over. Returns the function that gives it back.
 */
export async function lockSetup(path, onWait) {
  let told = false;
  for (;;) {
    const holder = tryLock(path);
    if (holder === null) break;
    if (holder !== 0 && !isAlive(holder)) {
      await sleep(guardMillis);
      // Another process may have taken it over meanwhile: only the dead one's lock is removed.
      if (holderOf(path) === holder) rmSync(path, { force: true });
      continue;
    }
    if (!told && holder !== 0) onWait(holder);
    told = true;
    await sleep(500);
  }
  const release = () => {
    if (holderOf(path) === process.pid) rmSync(path, { force: true });
  };
  process.once('exit', release);
  return release;
}
