import { readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../../session/files';

/**
 * What a running lake tells other processes about itself; the set-up reads it, too. Like the lock's, this shape
 * must never change.
 */
const Note = z.looseObject({
  pid: z.number().int(),
  port: z.number().int(),
  ready: z.boolean(),
  /** Base URL from which its ingest step requests tweets. */
  tweetsFrom: z.string(),
});
export type Note = Pick<z.infer<typeof Note>, 'pid' | 'port' | 'ready' | 'tweetsFrom'>;

const notePath = (home: string): string => join(home, 'cloud.json');

export const writeNote = (home: string, note: Note): void =>
  writeAtomically(notePath(home), JSON.stringify(note));
export const removeNote = (home: string): void => rmSync(notePath(home), { force: true });

export function readNote(home: string): Note | undefined {
  try {
    return Note.parse(JSON.parse(readFileSync(notePath(home), 'utf8')));
  } catch {
    return undefined;
  }
}

const beatMillis = 1_000;

/**
 * Updates the note's modification time every second while this process lives; returns a function that stops that.
 * Calls `onLost` once when the note cannot be updated: the lake's folder was removed, or its disk is not writable.
 */
export function keepNoteFresh(home: string, onLost: (error: unknown) => void): () => void {
  const timer = setInterval(() => {
    const now = new Date();
    try {
      utimesSync(notePath(home), now, now);
    } catch (error) {
      clearInterval(timer);
      onLost(error);
    }
  }, beatMillis);
  timer.unref();
  return () => clearInterval(timer);
}

/** When the last process of this lake was last alive, if it was killed; undefined when it ended normally. */
export function lastSign(home: string): Date | undefined {
  return readNote(home) && statSync(notePath(home)).mtime;
}
