import { readFileSync, rmSync, statSync, utimesSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../../session/files';

/** What a running lake tells other processes about itself; the set-up reads it, too. As fixed as the lock's shape. */
const Note = z.looseObject({
  pid: z.number().int(),
  port: z.number().int(),
  ready: z.boolean(),
  /** Base URL that its ingest step asks. */
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
 * Keeps the note's time at now while this process lives; answers the function that ends it. `onLost` is told, once,
 * when the note cannot be kept: the lake's folder was removed, or its disk cannot be written any more.
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

/** When the process that left a note behind was last seen alive; undefined when the last one ended in order. */
export function lastSign(home: string): Date | undefined {
  return readNote(home) && statSync(notePath(home)).mtime;
}
