import { isUtf8 } from 'node:buffer';
import { readFileSync, statSync } from 'node:fs';
import { gunzip, isGzipped, UnreadableBytes } from '../../functions/lake/unpack';
import { UserError } from '../cloud/user-error';

/** Some hundred thousand labels; read as a whole, a file takes many times as much memory. */
export const MAX_LABEL_FILE_BYTES = 32 * 2 ** 20;

const NOTHING = 'Nothing was imported.';
const megabytes = (bytes: number): string => `${Math.floor(bytes / 2 ** 20)} MB`;

/** A person's file as it is. Throws UserError for one that is not there, or larger than `most` bytes. */
export function readBytes(path: string, most: number): Buffer {
  try {
    const { size } = statSync(path);
    if (size > most)
      throw new UserError(
        `${path} is larger than ${megabytes(most)}: split it, and import the parts. ${NOTHING}`,
      );
    return readFileSync(path);
  } catch (error) {
    if (error instanceof UserError) throw error;
    throw new UserError(
      `${path} cannot be read (${error instanceof Error ? error.message : String(error)}). ${NOTHING}`,
    );
  }
}

/**
 * The text of a person's file, unpacked if it is gzip. Throws UserError that names the first line that is not UTF-8:
 * repaired in silence, its text would be another one, and match no tweet.
 */
export function textOf(path: string, bytes: Buffer, most: number): string {
  let plain = bytes;
  try {
    if (isGzipped(bytes)) plain = gunzip(bytes, most);
  } catch (error) {
    if (!(error instanceof UnreadableBytes)) throw error;
    throw new UserError(`${path} ${error.message}. ${NOTHING}`);
  }
  if (isUtf8(plain)) return plain.toString('utf8').replace(/^\uFEFF/, '');
  throw new UserError(
    `${path}, line ${firstBadLine(plain)}: is not UTF-8. Convert the file ` +
      `(iconv -f WINDOWS-1252 -t UTF-8 <file> > <new file>, or "Save as … UTF-8"), and import the new one. ${NOTHING}`,
  );
}

function firstBadLine(bytes: Buffer): number {
  let line = 1;
  let start = 0;
  while (start < bytes.length) {
    const found = bytes.indexOf(0x0a, start);
    const end = found === -1 ? bytes.length : found;
    if (!isUtf8(bytes.subarray(start, end))) return line;
    line += 1;
    start = end + 1;
  }
  return line;
}

export const readText = (path: string, most: number): string =>
  textOf(path, readBytes(path, most), most);
