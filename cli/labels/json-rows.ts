import { visit } from 'jsonc-parser';
import { z } from 'zod';
import { UserError } from '../../session/user-error';
import { splitLines } from '../read-text';
import {
  lower,
  NOTHING,
  wanted,
  type Columns,
  type Found,
  type FoundRow,
  type Rejected,
} from './rows';

const Fields = z.record(z.string(), z.unknown());

/** The rows of JSON Lines. Throws UserError for options of tables. */
export function jsonRows(path: string, content: string, columns: Columns): Found {
  if (!columns.header || columns.delimiter !== null || columns.quote !== null) {
    throw new UserError(
      `${path} is JSON Lines: --no-header, --delimiter and --quote are for tables. ${NOTHING}`,
      2,
    );
  }
  const { text, label } = wanted(columns);
  let names: string[] | null = null;
  let isThere = false;
  const found = splitLines(content).lines.flatMap((raw, index): (FoundRow | Rejected)[] => {
    if (raw.trim() === '') return [];
    const line = index + 1;
    let fields;
    try {
      fields = Fields.safeParse(JSON.parse(raw));
    } catch {
      return [{ line, reason: 'it is not JSON' }];
    }
    if (!fields.success) return [{ line, reason: 'it is not a JSON object' }];
    const keys = topLevelKeys(raw);
    names ??= keys;
    const places = [text, label].map((name) => keys.filter((key) => lower(key) === lower(name)));
    const exact = [text, label].map((name, at) =>
      [columns.text, columns.label][at] === null ? [] : keys.filter((key) => key === name),
    );
    const chosen = places.map((alike, at) => (exact[at]?.length === 1 ? exact[at] : alike));
    const twice = chosen.find((alike) => alike.length > 1);
    if (twice) return [{ line, reason: `it has the field ${twice[0]} ${twice.length} times` }];
    isThere ||= chosen.every((alike) => alike.length === 1);
    const valueOf = (keysOf: string[] = []): unknown => {
      const [key] = keysOf;
      return key === undefined ? undefined : fields.data[key];
    };
    return [{ line, text: valueOf(chosen[0]), label: valueOf(chosen[1]) }];
  });
  if (!isThere && names !== null) {
    throw new UserError(
      `No line has the fields ${text} and ${label}; the first has ${[...names].join(', ') || 'none'}. ` +
        `Others are named with --text-column and --label-column. ${NOTHING}`,
    );
  }
  return { found, notes: [] };
}

/** JSON.parse silently keeps the last of two fields of one name. */
function topLevelKeys(json: string): string[] {
  const keys: string[] = [];
  let depth = 0;
  visit(json, {
    onObjectBegin: () => void (depth += 1),
    onObjectEnd: () => void (depth -= 1),
    onObjectProperty: (name) => void (depth === 1 && keys.push(name)),
  });
  return keys;
}
