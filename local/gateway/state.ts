import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { writeAtomically } from '../files';
import { messageOf } from './protocol';

/**
 * One JSON file that survives kills: read once, kept in memory, replaced whole by `save`.
 * A file that cannot be read (somebody edited it, the disk was full) is set aside and said so:
 * the cloud starts without what it remembered rather than not at all.
 */
export class StateFile<S extends z.ZodType> {
  readonly value: z.infer<S>;

  constructor(
    private readonly path: string,
    schema: S,
    empty: z.infer<S>,
    log: (line: string) => void,
  ) {
    mkdirSync(dirname(path), { recursive: true });
    this.value = this.read(schema, log) ?? empty;
  }

  /** Writes the whole state; after it returns, a kill or a power cut loses nothing. Throws FileNotWritten. */
  save(): void {
    writeAtomically(this.path, JSON.stringify(this.value, null, 1));
  }

  private read(schema: S, log: (line: string) => void): z.infer<S> | undefined {
    if (!existsSync(this.path)) return undefined;
    try {
      return schema.parse(JSON.parse(readFileSync(this.path, 'utf8')));
    } catch (error) {
      const aside = `${this.path}.unreadable`;
      renameSync(this.path, aside);
      const reason =
        error instanceof z.ZodError
          ? z.prettifyError(error).split('\n').slice(0, 2).join(' ')
          : messageOf(error);
      log(
        `${this.path} could not be read (${reason}). It is kept as ${aside}; its jobs and endpoints are forgotten.`,
      );
      return undefined;
    }
  }
}
