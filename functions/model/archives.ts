import { buffer } from 'node:stream/consumers';
import { gunzipSync } from 'node:zlib';
import { extract } from 'tar-stream';

/** The files of a small gzipped tar whose names are wanted, by base name. */
export async function unpack(
  archive: Uint8Array,
  wanted: readonly string[],
): Promise<Map<string, Buffer>> {
  const files = new Map<string, Buffer>();
  const tar = extract();
  tar.end(gunzipSync(archive));
  for await (const entry of tar) {
    const name = entry.header.name.split('/').at(-1) ?? '';
    // Read even if it is not wanted: the next entry comes only after this one.
    const content = await buffer(entry);
    if (wanted.includes(name)) {
      files.set(name, content);
    }
  }
  return files;
}
