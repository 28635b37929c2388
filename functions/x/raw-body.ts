import { isUtf8 } from 'node:buffer';
import { findNodeAtLocation, parseTree } from 'jsonc-parser';
import { isTooDeep } from '../shared/nesting';

/** The answer's bytes, to show a record exactly as it came. */
export interface RawBody {
  /** The record at this place of `data`, as sent; bytes that are no UTF-8 come as `base64:…`. */
  recordAt(index: number): string;
  /** Whether the record's bytes are UTF-8, as JSON's must be. */
  isTextAt(index: number): boolean;
}

/**
 * Finds records in a body by their place in `data`. Bytes become Latin-1 characters, one each, so that
 * places in the text are places in the body; JSON's own signs are ASCII and stay what they are.
 * The body is read a second time for that, which only a page with a refused record pays for.
 */
export function rawBody(body: Buffer): RawBody {
  let places: { offset: number; length: number }[] | undefined;
  const bytesAt = (index: number): Buffer => {
    places ??= findPlaces(body);
    const place = places[index];
    return place ? body.subarray(place.offset, place.offset + place.length) : Buffer.alloc(0);
  };
  const isWhole = isUtf8(body);
  return {
    recordAt: (index) => {
      const bytes = bytesAt(index);
      if (bytes.length === 0) return 'cannot be shown: the answer nests too deep';
      return isUtf8(bytes) ? bytes.toString('utf8') : `base64:${bytes.toString('base64')}`;
    },
    isTextAt: (index) => isWhole || isUtf8(bytesAt(index)),
  };
}

const MAX_PARSED_NESTING = 500;

function findPlaces(body: Buffer): { offset: number; length: number }[] {
  const text = body.toString('latin1');
  // The parser walks down the text, and its stack ends before a hostile text does.
  const tree = isTooDeep(text, MAX_PARSED_NESTING) ? undefined : parseTree(text);
  const data = tree && findNodeAtLocation(tree, ['data']);
  return (data?.children ?? []).map(({ offset, length }) => ({ offset, length }));
}
