/**
 * A post's record as people and tools hand it over: as X sends it, with nulls and numbers as data frames write them, or
 * laid flat. What has one meaning is read; everything else is left for the schema to refuse by its name.
 */
type Fields = Record<string, unknown>;

/** A value for each public metric that the lake keeps. */
export const eachMetric = <Value>(value: Value) => ({
  retweet_count: value,
  reply_count: value,
  like_count: value,
  quote_count: value,
});
const METRICS = Object.keys(eachMetric(null));

export const isObject = (value: unknown): value is Fields =>
  typeof value === 'object' && value !== null && !Array.isArray(value);

const isBlank = (value: unknown): boolean =>
  value === undefined || value === null || (typeof value === 'string' && value.trim() === '');

/** A field of a field, nested or laid flat: `note_tweet.text`, `note_tweet_text`. */
function within(record: Fields, parent: string, name: string): unknown {
  const outer = asObject(record[parent]);
  const nested = isObject(outer) ? outer[name] : undefined;
  return [nested, record[`${parent}.${name}`], record[`${parent}_${name}`]].find(
    (value) => !isBlank(value),
  );
}

/** CSV files hold objects as JSON in a cell. */
function asObject(value: unknown): unknown {
  if (typeof value !== 'string' || !value.trim().startsWith('{')) return value;
  try {
    const parsed: unknown = JSON.parse(value);
    return parsed;
  } catch {
    return value;
  }
}

/** The record with its metrics where X has them: null or the value, and what stands there twice as a list. */
export function withMetrics(record: Fields): Fields {
  const given = asObject(record['public_metrics']);
  if (!isBlank(given) && !isObject(given)) return record;
  const metrics = METRICS.map((name) => {
    const places = [
      isObject(given) ? given[name] : undefined,
      record[`public_metrics.${name}`],
      record[`public_metrics_${name}`],
      record[name],
    ].filter((value) => !isBlank(value));
    const [first = null, ...others] = places;
    return [name, others.every((other) => String(other) === String(first)) ? first : places];
  });
  return { ...record, public_metrics: Object.fromEntries(metrics) };
}

/** The whole text of a long post; undefined of one that is not long, and where it is not a text. */
export function longText(record: Fields): string | undefined {
  const text = within(record, 'note_tweet', 'text');
  return typeof text === 'string' ? text : undefined;
}

/** Whether X says that it withholds the post somewhere. */
export const isMarkedWithheld = (record: Fields): boolean =>
  !isBlank(record['withheld']) ||
  ['country_codes', 'copyright', 'scope'].some(
    (name) => !isBlank(within(record, 'withheld', name)),
  );

const MOST_VERSIONS = 50;

/**
 * The ids of a post's versions, its own included; null where that is not what stands there. A tool may have made one
 * text of the list.
 */
export function editHistory(value: unknown, id: string): string[] | null {
  const listed =
    typeof value === 'string' && /^[\s\d'",[\]]*$/.test(value) ? value.match(/\d+/g) : value;
  if (!Array.isArray(listed) || listed.length > MOST_VERSIONS) return null;
  const ids = listed.map((one: unknown) => idText(one));
  const known = ids.filter((one) => one !== null);
  return known.length === ids.length && known.includes(id) ? [...new Set(known)] : null;
}

/** An id as text; null for anything else, and for a number that has lost digits. */
export function idText(value: unknown): string | null {
  const text = Number.isSafeInteger(value) ? String(value) : value;
  return typeof text === 'string' && /^\d{1,20}$/.test(text) ? text : null;
}

export interface Retweeted {
  id: string;
  /** What the record itself holds of the original, as tools that lay answers flat put it there. */
  record: Fields;
}

/** The post that this one passes on as it is; null for one's own words, quotes and replies. */
export function retweetedIn(record: unknown): Retweeted | null {
  if (!isObject(record)) return null;
  const flat = idText(record['referenced_tweets.retweeted.id']);
  const listed = record['referenced_tweets'];
  for (const one of Array.isArray(listed) ? listed : []) {
    if (!isObject(one) || one['type'] !== 'retweeted') continue;
    const id = idText(one['id']);
    if (id !== null) return { id, record: one };
  }
  return flat === null ? null : { id: flat, record: {} };
}

/** A post that another one passes on. */
export interface Original {
  /** Whole, as its author wrote it. */
  text: string;
  authorId: string | null;
}

/** null where there is no text. */
export function originalOf(record: unknown): Original | null {
  if (!isObject(record)) return null;
  const text = longText(record) ?? record['text'];
  return typeof text === 'string' && text.trim() !== ''
    ? { text, authorId: idText(record['author_id']) }
    : null;
}

/** The posts that stand beside an answer's own, by id: those that it passes on, quotes or replies to. */
export function originalsIn(included: unknown): Map<string, Original> {
  const found = new Map<string, Original>();
  for (const record of Array.isArray(included) ? included : []) {
    const id = isObject(record) ? idText(record['id']) : null;
    const original = originalOf(record);
    if (id !== null && original !== null) found.set(id, original);
  }
  return found;
}
