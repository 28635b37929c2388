import { endOfString } from '../../functions/x/exact-json';

/** The texts of a JSON list's elements, as they stand there. The text must be JSON, and a list. */
export function* elementsOf(list: string): Generator<string> {
  let at = pastSpace(list, pastSpace(list, 0) + 1);
  while (list[at] !== ']') {
    const end = endOfValue(list, at);
    yield list.slice(at, end);
    at = pastSpace(list, end);
    if (list[at] === ',') at = pastSpace(list, at + 1);
  }
}

/** The text of an object's field; of the last one if the name is repeated. The text must be a JSON object. */
export function fieldOf(object: string, name: string): string | undefined {
  let found: string | undefined;
  let at = pastSpace(object, pastSpace(object, 0) + 1);
  while (object[at] !== '}') {
    const keyEnd = endOfValue(object, at);
    const key: unknown = JSON.parse(object.slice(at, keyEnd));
    const start = pastSpace(object, pastSpace(object, keyEnd) + 1);
    const end = endOfValue(object, start);
    if (key === name) found = object.slice(start, end);
    at = pastSpace(object, end);
    if (object[at] === ',') at = pastSpace(object, at + 1);
  }
  return found;
}

function pastSpace(text: string, at: number): number {
  let next = at;
  while (' \t\n\r'.includes(text[next] ?? 'end')) next += 1;
  return next;
}

function endOfValue(text: string, start: number): number {
  let depth = 0;
  for (let at = start; at < text.length; at += 1) {
    const sign = text[at];
    if (sign === '"') {
      at = endOfString(text, at);
      if (depth === 0) return at + 1;
    } else if (sign === '{' || sign === '[') depth += 1;
    else if (sign === '}' || sign === ']') {
      // The end of a bare number, true, false or null.
      if (depth === 0) return at;
      depth -= 1;
      if (depth === 0) return at + 1;
    } else if (depth === 0 && (sign === ',' || ' \t\n\r'.includes(sign ?? ''))) return at;
  }
  return text.length;
}
