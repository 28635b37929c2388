import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { tooNew } from '../../workflows/durable';
import { writeAtomically } from '../../session/files';
import { messageOf } from './protocol';

/** All state files have the layout `{"schemaVersion": 1, "value": …}`. Releases up to 484cd63 wrote only the value. */
const schemaVersion = 1;
const Versioned = z.looseObject({ schemaVersion: z.number(), value: z.unknown() });

/** The state is from a newer release, so it must not be renamed. Shown as its message only, without a stack. */
export class StateTooNew extends Error {
  readonly oneLine = true;
  readonly exitCode = 1;
}

/**
 * One JSON file that survives kills: it is read once, kept in memory, and replaced completely by `save`.
 * A file that cannot be read (for example after an edit) is renamed and logged, and the cloud starts without its
 * contents. Throws StateTooNew for a file of a newer release.
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

  /** Writes the complete state. After it returns, a kill or a power cut loses nothing. Throws FileNotWritten. */
  save(): void {
    writeAtomically(this.path, JSON.stringify({ schemaVersion, value: this.value }, null, 1));
  }

  private read(schema: S, log: (line: string) => void): z.infer<S> | undefined {
    if (!existsSync(this.path)) return undefined;
    try {
      const content: unknown = JSON.parse(readFileSync(this.path, 'utf8'));
      const versioned = Versioned.safeParse(content).data;
      if (versioned && versioned.schemaVersion > schemaVersion) {
        throw new StateTooNew(
          `${tooNew({ what: this.path, version: schemaVersion }, versioned.schemaVersion)}.`,
        );
      }
      return schema.parse(versioned ? versioned.value : content);
    } catch (error) {
      if (error instanceof StateTooNew) throw error;
      return this.setAside(error, log);
    }
  }

  private setAside(error: unknown, log: (line: string) => void): undefined {
    const aside = `${this.path}.${new Date().toISOString().replaceAll(/\D/g, '')}.unreadable`;
    renameSync(this.path, aside);
    const reason =
      error instanceof z.ZodError
        ? z.prettifyError(error).split('\n').slice(0, 2).join(' ')
        : messageOf(error);
    log(
      `${this.path} could not be read (${reason}). It is kept as ${aside}; the jobs and endpoints in it no longer exist.`,
    );
    return undefined;
  }
}
