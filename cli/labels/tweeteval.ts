import { existsSync, readdirSync, statSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { UserError } from '../../session/user-error';
import { MAX_LABEL_FILE_BYTES, readText, splitLines, type Encoding } from '../read-text';
import { spellingOf } from './classes';
import { resolveRows, type Columns, type FoundRow, type Parsed } from './rows';

const TEXTS = /^(.+)_text\.txt$/;

/** Whether a path is a folder or one half of a pair in TweetEval's layout. */
export const isTweetEval = (path: string): boolean =>
  TEXTS.test(basename(path)) || (existsSync(path) && statSync(path).isDirectory());

/**
 * Reads `<split>_text.txt` and `<split>_labels.txt` line by line, with `mapping.txt` beside them (`0⇥negative`): other
 * tasks of TweetEval use the same numbers. Reads all pairs of a folder. Throws UserError when the two files do not have
 * the same number of lines.
 */
export function readTweetEval(
  path: string,
  columns: Pick<Columns, 'map'>,
  encoding: Encoding | null = null,
): Parsed {
  const isFolder = existsSync(path) && statSync(path).isDirectory();
  const folder = isFolder ? path : dirname(path);
  const texts = isFolder
    ? readdirSync(path)
        .filter((name) => TEXTS.test(name))
        .sort()
    : [basename(path)];
  if (texts.length === 0)
    throw new UserError(`${path} holds no …_text.txt: is it laid out as TweetEval?`);
  const linesOf = (name: string) =>
    splitLines(readText(join(folder, name), MAX_LABEL_FILE_BYTES, encoding)).lines;
  const names = existsSync(join(folder, 'mapping.txt'))
    ? mappingOf(join(folder, 'mapping.txt'), linesOf('mapping.txt'))
    : new Map<string, string>();
  const found = texts.flatMap((name) => pair(name, linesOf, names, columns.map));
  return resolveRows(path, found, columns.map);
}

/** The names that mapping.txt gives to the numbers. */
function mappingOf(path: string, lines: readonly string[]): ReadonlyMap<string, string> {
  const names = new Map<string, string>();
  for (const [index, line] of lines.entries()) {
    if (line.trim() === '') continue;
    const [, number = '', name = ''] = /^\s*(\S+)\s+(\S.*?)\s*$/.exec(line) ?? [];
    const spelling = spellingOf(number);
    if (name === '' || (names.get(spelling) ?? name) !== name) {
      throw new UserError(
        `${path}, line ${index + 1}: "${line.trim()}" is not a number and the name of one class. Nothing was imported.`,
      );
    }
    names.set(spelling, name);
  }
  return names;
}

/** Characters that other programs take for line ends: they would split a tweet in two. */
const OTHER_LINE_ENDS = /[\u000b\u000c\u001c-\u001e\u0085\u2028\u2029]/g;

function pair(
  name: string,
  linesOf: (name: string) => string[],
  names: ReadonlyMap<string, string>,
  map: Columns['map'],
): FoundRow[] {
  const labelsName = name.replace(TEXTS, '$1_labels.txt');
  const [texts, labels] = [linesOf(name), linesOf(labelsName)];
  if (texts.length !== labels.length) {
    const others = texts.filter((text) => text.search(OTHER_LINE_ENDS) !== -1).length;
    throw new UserError(
      `${name} has ${texts.length} lines and ${labelsName} ${labels.length}: each text needs its label on the same line.` +
        `${others > 0 ? ` ${others} of the texts hold U+2028 or another sign that some programs take for a line end.` : ''} Nothing was imported.`,
    );
  }
  return texts.map((text, index) => {
    const label = labels[index] ?? '';
    const spelling = spellingOf(label);
    // --map applies to the file's numbers first, then to their names in mapping.txt.
    return {
      file: name,
      line: index + 1,
      text,
      label: map.has(spelling) ? label : (names.get(spelling) ?? label),
    };
  });
}
