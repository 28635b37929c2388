import { createReadStream, createWriteStream } from 'node:fs';
import { mkdir, readdir, stat } from 'node:fs/promises';
import { dirname, join } from 'node:path';
import { pipeline } from 'node:stream/promises';
import { createGunzip, createGzip } from 'node:zlib';
import { extract, pack } from 'tar-stream';
import { limitBytes } from '../../functions/model/archives';
import { within } from './objects';

/** Sorted paths of all files below a folder, relative to it; empty when the folder does not exist. */
export async function filesBelow(folder: string): Promise<string[]> {
  const entries = await readdir(folder, { recursive: true, withFileTypes: true }).catch(() => []);
  return entries
    .filter((entry) => entry.isFile())
    .map((entry) => join(entry.parentPath, entry.name).slice(folder.length + 1))
    .sort();
}

/** Packs the files below `folder` into a gzipped tar; the names in it are relative to `folder`. */
export async function packFolder(folder: string, archive: string): Promise<void> {
  const tar = pack();
  const written = pipeline(tar, createGzip(), createWriteStream(archive));
  const packed = (async () => {
    for (const name of await filesBelow(folder)) {
      const path = join(folder, name);
      const { size, mtime } = await stat(path);
      await pipeline(createReadStream(path), tar.entry({ name, size, mtime, mode: 0o644 }));
    }
    tar.finalize();
  })();
  await Promise.all([packed, written]);
}

/** Far larger than any model of ours, but too small to fill a disk. */
const limits = { bytes: 4 * 2 ** 30, members: 10_000 };

/** Unpacks the plain files of a gzipped tar. Throws when a name leads outside `folder` or the archive is too large. */
export async function unpack(
  archive: string,
  folder: string,
  { bytes, members } = limits,
): Promise<void> {
  const tar = extract();
  const fed = pipeline(createReadStream(archive), createGunzip(), limitBytes(bytes), tar);
  const unpacked = (async () => {
    let count = 0;
    for await (const entry of tar) {
      count += 1;
      if (count > members) throw new Error(`it has more than ${members} members`);
      if (entry.header.type === 'file') {
        const path = within(folder, entry.header.name);
        await mkdir(dirname(path), { recursive: true });
        await pipeline(entry, createWriteStream(path));
      } else {
        entry.resume();
      }
    }
  })();
  await Promise.all([fed, unpacked]);
}
