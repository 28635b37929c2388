import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import type { Label } from '../../../workflows/evaluation';
import { Label as LabelSchema } from '../../../workflows/evaluation';
import { UserError } from '../../cloud/user-error';
import { MAX_LABEL_FILE_BYTES, readText } from '../read-text';
import {
  checkRow,
  sortOut,
  type Columns,
  type LabelledText,
  type Parsed,
  type Rejected,
} from './parse';

const TEXTS = /^(.+)_text\.txt$/;
/** TweetEval's sentiment task, where no mapping.txt says otherwise. */
const usualMapping: ReadonlyMap<string, Label> = new Map([
  ['0', 'negative'],
  ['1', 'neutral'],
  ['2', 'positive'],
]);

/** Whether a path is a folder, or one half of a pair, of that layout. */
export const isTweetEval = (path: string): boolean =>
  TEXTS.test(basename(path)) || (existsSync(path) && statSync(path).isDirectory());

/**
 * Reads `<split>_text.txt` and `<split>_labels.txt`, line by line, and `mapping.txt` beside them (`0⇥negative`).
 * A folder gives all of its pairs. Throws UserError where the two do not belong together.
 */
export function readTweetEval(path: string, map: Columns['map']): Parsed {
  const isFolder = existsSync(path) && statSync(path).isDirectory();
  const folder = isFolder ? path : dirname(path);
  const texts = isFolder
    ? readdirSync(path)
        .filter((name) => TEXTS.test(name))
        .sort()
    : [basename(path)];
  if (texts.length === 0)
    throw new UserError(`${path} holds no …_text.txt: is it laid out as TweetEval?`);
  const mapping = new Map([...mappingOf(folder), ...map]);
  return sortOut(texts.flatMap((name) => pair(folder, name, mapping)));
}

function mappingOf(folder: string): ReadonlyMap<string, Label> {
  const path = join(folder, 'mapping.txt');
  if (!existsSync(path)) return usualMapping;
  return new Map(
    linesOf(path).map((line, index) => {
      const [, number = '', name = ''] = /^\s*(\S+)\s+(\S+)/.exec(line) ?? [];
      const label = LabelSchema.safeParse(name.toLowerCase());
      if (!label.success) {
        throw new UserError(
          `${path}, line ${index + 1}: "${line.trim()}" is no number and one of negative, neutral, positive. Is this TweetEval's sentiment task?`,
        );
      }
      return [number, label.data];
    }),
  );
}

function pair(folder: string, name: string, mapping: Columns['map']): (LabelledText | Rejected)[] {
  const labelsName = name.replace(TEXTS, '$1_labels.txt');
  const [texts, labels] = [linesOf(join(folder, name)), linesOf(join(folder, labelsName))];
  if (texts.length !== labels.length) {
    throw new UserError(
      `${name} has ${texts.length} lines and ${labelsName} ${labels.length}: they must belong together line by line.`,
    );
  }
  return texts.map((text, index) => ({
    ...checkRow(index + 1, { text, label: labels[index] }, mapping),
    file: name,
  }));
}

/** A file's lines without the empty rest behind its last line end. */
function linesOf(path: string): string[] {
  const lines = readText(path, MAX_LABEL_FILE_BYTES).split(/\r?\n/);
  return lines.at(-1) === '' ? lines.slice(0, -1) : lines;
}
