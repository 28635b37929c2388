import { Readable, Transform } from 'node:stream';
import { buffer } from 'node:stream/consumers';
import { pipeline } from 'node:stream/promises';
import { createGunzip } from 'node:zlib';
import { extract } from 'tar-stream';
import { StepError } from '../../workflows/errors';

/** What a training job's archive may hold: a model or an encoder of some ten megabytes, and a dozen files. */
export interface ArchiveLimits {
  /** Unpacked, in all. */
  bytes: number;
  members: number;
}
const usual: ArchiveLimits = { bytes: 256 * 2 ** 20, members: 1000 };

/** The files of a gzipped tar whose names are wanted, by base name. Throws StepError for one that is damaged or too large. */
export async function unpack(
  archive: Uint8Array,
  wanted: readonly string[],
  limits = usual,
): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const tar = extract();
  const fed = pipeline(Readable.from([archive]), createGunzip(), limitBytes(limits.bytes), tar);
  const read = (async () => {
    let members = 0;
    for await (const entry of tar) {
      members += 1;
      if (members > limits.members) throw new Error(`it has more than ${limits.members} members`);
      const name = entry.header.name.split('/').at(-1) ?? '';
      // Read even if it is not wanted: the next entry comes only after this one.
      if (wanted.includes(name)) files.set(name, await buffer(entry));
      else entry.resume();
    }
  })();
  try {
    await Promise.all([fed, read]);
  } catch (error) {
    await Promise.allSettled([fed, read]);
    throw new StepError(
      'TrainingFailed',
      `The archive of the training job cannot be unpacked: ${error instanceof Error ? error.message : String(error)}`,
      { cause: error },
    );
  }
  return files;
}

/** Passes bytes on, and ends with an error where they are too many. */
export function limitBytes(most: number): Transform {
  let passed = 0;
  return new Transform({
    transform(chunk: Buffer, _, done) {
      passed += chunk.length;
      if (passed > most)
        done(new Error(`it unpacks to more than ${Math.floor(most / 2 ** 20)} MB`));
      else done(null, chunk);
    },
  });
}
