import { parquetReadObjects } from 'hyparquet';
import { gzipSync } from 'node:zlib';
import { z } from 'zod';
import type { Forgotten } from '../functions/lake/forgotten';
import { gunzip, isGzipped, UnreadableBytes } from '../functions/lake/unpack';
import { rawPageKey } from '../functions/lake/raw-pages';
import { ScoredRow, toParquet } from '../functions/model/scored';
import { isObject, longText } from '../functions/x/record';
import { textHash } from '../workflows/text-key';
import { withoutUrls } from '../workflows/text-links';
import { UnreadableError, type Rewrite, type Scrubbed } from './scrub';

/** A tweet as it lies in raw pages, parked records, plans and imports. */
const Tweet = z.object({
  id: z.string(),
  author_id: z.string(),
  text: z.string().optional(),
  /** The ids of an edited post's versions: whoever has one of them forgotten means the post. */
  edit_history_tweet_ids: z.array(z.string()).nullish().catch(null),
});
/** A line of an import, which keeps the tweet as text; those of earlier releases keep its fields. */
const ImportLine = z.object({
  record: z.string(),
  original: z.object({ authorId: z.string().nullable() }).nullable(),
});
const OlderImportLine = z.object({ tweet: z.unknown() });
const Refused = z.object({ raw: z.string() });

/** What was found of the tweets on the way: labels are known by texts, predictions by ids. */
export interface Found {
  tweets: Set<string>;
  texts: Set<string>;
}

export const nothingFound = (): Found => ({ tweets: new Set(), texts: new Set() });

/** An id in a text that is not JSON, or not of the form it should be: long numbers, and short ones in quotation marks. */
const ID_IN_TEXT = /(?<!\d)\d{6,20}(?!\d)|\\*"(\d{1,5})\\*"/g;

function idsIn(text: string): string[] {
  return [...text.matchAll(ID_IN_TEXT)].map(([whole, quoted]) => quoted ?? whole);
}

/** Knows forgotten tweets in whatever form they lie, and remembers what it found of them. */
export class Finder {
  constructor(
    private readonly forgotten: Forgotten,
    readonly found: Found = nothingFound(),
  ) {}

  isForgotten(value: unknown): boolean {
    const tweet = Tweet.safeParse(value).data;
    if (!tweet) return false;
    const versions = tweet.edit_history_tweet_ids ?? [];
    if (!this.forgotten.has(tweet) && !versions.some((id) => this.forgotten.hasTweet(id))) {
      return false;
    }
    for (const id of [tweet.id, ...versions]) this.found.tweets.add(id);
    // The row of a long post has its whole text, and labels hang on that.
    const long = isObject(value) ? longText(value) : undefined;
    for (const text of [tweet.text, long]) {
      if (text !== undefined) this.found.texts.add(textHash(withoutUrls(text)));
    }
    return true;
  }

  isForgottenId(id: string): boolean {
    return this.forgotten.hasTweet(id) || this.forgotten.hasAuthor(id);
  }

  isForgottenAuthor(id: string): boolean {
    return this.forgotten.hasAuthor(id);
  }

  isForgottenPrediction(tweetId: string): boolean {
    return this.forgotten.hasTweet(tweetId);
  }

  /** A record that was refused because it is not what a tweet should be: any forgotten id in it counts. */
  isForgottenText(raw: string): boolean {
    const parsed = jsonOf(raw);
    if (Tweet.safeParse(parsed).success) return this.isForgotten(parsed);
    const isIt = idsIn(raw).some((id) => this.isForgottenId(id));
    const text = isIt ? z.object({ text: z.string() }).safeParse(parsed).data?.text : undefined;
    if (text !== undefined) this.found.texts.add(textHash(withoutUrls(text)));
    return isIt;
  }

  /** A JSON value without forgotten tweets, wherever in it they lie; and how many there were. */
  prune(value: unknown): { value: unknown; rows: number } {
    if (Array.isArray(value)) {
      const kept = value.filter((element: unknown) => !this.isForgottenElement(element));
      const pruned = kept.map((element: unknown) => this.prune(element));
      return {
        value: pruned.map((one) => one.value),
        rows: value.length - kept.length + total(pruned),
      };
    }
    if (typeof value === 'string') return this.pruneName(value);
    if (typeof value !== 'object' || value === null) return { value, rows: 0 };
    const pruned = Object.entries(value).map(([name, inner]: [string, unknown]) => ({
      name,
      ...this.prune(inner),
    }));
    return {
      value: Object.fromEntries(pruned.map(({ name, value: inner }) => [name, inner])),
      rows: total(pruned),
    };
  }

  /** A raw page's name begins with the ids of its oldest and newest tweet; the ledger keeps the name. */
  private pruneName(text: string): { value: string; rows: number } {
    const value = text.replace(PAGE_RANGE, (range, from: string, oldest: string, newest: string) =>
      [oldest, newest].some((id) => this.forgotten.hasTweet(id.replace(/^0+(?=\d)/, '')))
        ? `${from}forgotten`
        : range,
    );
    return { value, rows: value === text ? 0 : 1 };
  }

  private isForgottenElement(element: unknown): boolean {
    if (typeof element === 'string') return this.isForgottenPrediction(element);
    const refused = Refused.safeParse(element).data;
    return (
      this.isForgotten(element) || (refused !== undefined && this.isForgottenText(refused.raw))
    );
  }
}

const total = (parts: readonly { rows: number }[]): number =>
  parts.reduce((sum, { rows }) => sum + rows, 0);

function jsonOf(text: string): unknown {
  try {
    const value: unknown = JSON.parse(text);
    return value;
  } catch {
    return undefined;
  }
}

function unzipped(bytes: Uint8Array): string {
  try {
    return gunzip(bytes).toString('utf8');
  } catch (error) {
    if (!(error instanceof UnreadableBytes)) throw error;
    throw new UnreadableError(error.message, { cause: error });
  }
}

const textOf = (bytes: Uint8Array): string => Buffer.from(bytes).toString('utf8');
const linesOf = (text: string): string[] => text.split('\n').filter((line) => line !== '');
const joined = (lines: readonly string[]): string => lines.map((line) => `${line}\n`).join('');

/** Lines that stay, byte for byte; null where all do. */
function scrubLines(
  text: string,
  isForgotten: (line: string) => boolean,
): { rows: number; lines: string[] } | null {
  const all = linesOf(text);
  const lines = all.filter((line) => !isForgotten(line));
  return lines.length === all.length ? null : { rows: all.length - lines.length, lines };
}

const PAGE_RANGE = /(\/dt=\d{4}-\d{2}-\d{2}\/)(\d{20})-(\d{20})(?=-)/g;
const RANGE = /^(.*\/dt=(\d{4}-\d{2}-\d{2})\/)\d{20}-\d{20}-(.+)\.ndjson\.gz$/;

/** Raw pages. The ids in the key's range are those of tweets that stay. */
export const rawPage =
  (finder: Finder): Rewrite =>
  (bytes, key): Scrubbed | null => {
    const left = scrubLines(unzipped(bytes), (line) => finder.isForgottenText(line));
    if (left === null) return null;
    if (left.lines.length === 0) return { rows: left.rows, bytes: null };
    const ids = left.lines.map((line) => Tweet.safeParse(jsonOf(line)).data?.id);
    const known = ids.filter((id) => id !== undefined);
    const [, , day, name] = RANGE.exec(key) ?? [];
    const renamed =
      day !== undefined && name !== undefined && known.length === ids.length
        ? rawPageKey(day, known, name)
        : key;
    return { rows: left.rows, bytes: gzipSync(joined(left.lines)), key: renamed };
  };

/** Parked records: rows as in raw pages, not compressed. */
export const parked =
  (finder: Finder): Rewrite =>
  (bytes) => {
    const left = scrubLines(textOf(bytes), (line) => finder.isForgottenText(line));
    return (
      left && {
        rows: left.rows,
        bytes: left.lines.length === 0 ? null : Buffer.from(joined(left.lines)),
      }
    );
  };

/** Imports: a page that loses all its lines stays, empty, since pages are counted. */
export const imported =
  (finder: Finder): Rewrite =>
  (bytes) => {
    const left = scrubLines(unzipped(bytes), (line) => {
      const parsed = jsonOf(line);
      const kept = ImportLine.safeParse(parsed).data;
      if (kept !== undefined) {
        // A retweet holds the words of the post that it passes on.
        const passedOn = kept.original?.authorId ?? null;
        return (
          finder.isForgottenText(kept.record) ||
          (passedOn !== null && finder.isForgottenAuthor(passedOn))
        );
      }
      const tweet = OlderImportLine.safeParse(parsed).data?.tweet;
      if (Tweet.safeParse(tweet).success) return finder.isForgotten(tweet);
      const raw = Refused.safeParse(parsed).data?.raw;
      return finder.isForgottenText(raw ?? JSON.stringify(tweet) ?? line);
    });
    return left && { rows: left.rows, bytes: gzipSync(joined(left.lines)) };
  };

export const quarantined =
  (finder: Finder): Rewrite =>
  (bytes) => {
    const left = scrubLines(textOf(bytes), (line) =>
      finder.isForgottenText(Refused.safeParse(jsonOf(line)).data?.raw ?? line),
    );
    return (
      left && {
        rows: left.rows,
        bytes: left.lines.length === 0 ? null : Buffer.from(joined(left.lines)),
      }
    );
  };

/** Plans and their pending pages. */
export const plan =
  (finder: Finder): Rewrite =>
  (bytes) => {
    const { value, rows } = finder.prune(JSON.parse(textOf(bytes)));
    return rows === 0 ? null : { rows, bytes: Buffer.from(JSON.stringify(value)) };
  };

const LabelRow = z.object({ text_hash: z.string(), text: z.string() });

/** Labels. An object that loses all its rows stays, empty: its name keeps the same file from being imported again. */
export const labels =
  (texts: ReadonlySet<string>): Rewrite =>
  (bytes) => {
    // Training reads gzipped labels, too, whatever their name.
    const isPacked = isGzipped(bytes);
    const left = scrubLines(isPacked ? unzipped(bytes) : textOf(bytes), (line) => {
      const label = LabelRow.safeParse(jsonOf(line)).data;
      // Either may be known: the hash of its text now, or the one an older release stored.
      return label !== undefined && (texts.has(label.text_hash) || texts.has(textHash(label.text)));
    });
    const rest = left && Buffer.from(joined(left.lines));
    return left && rest && { rows: left.rows, bytes: isPacked ? gzipSync(rest) : rest };
  };

/** Rows of a Parquet file, as far as the columns asked for. */
export async function parquetRows(
  bytes: Uint8Array,
  columns?: string[],
): Promise<Record<string, unknown>[]> {
  try {
    return await parquetReadObjects({ file: new Uint8Array(bytes).buffer, columns });
  } catch (error) {
    throw new UnreadableError('not Parquet', { cause: error });
  }
}

/** Rows that have the columns. Throws UnreadableError for those of something else. */
export function rowsAs<Row extends z.ZodType>(
  schema: Row,
  rows: readonly unknown[],
): z.output<Row>[] {
  const parsed = z.array(schema).safeParse(rows);
  if (parsed.success) return parsed.data;
  throw new UnreadableError('has other columns', { cause: parsed.error });
}

export const predictions =
  (finder: Finder): Rewrite =>
  async (bytes) => {
    const all = rowsAs(ScoredRow, await parquetRows(bytes));
    const rows = all.filter(({ tweet_id }) => !finder.isForgottenPrediction(tweet_id));
    if (rows.length === all.length) return null;
    return { rows: all.length - rows.length, bytes: rows.length === 0 ? null : toParquet(rows) };
  };

/** Histories and reports stay as proof; an id in them, always in quotation marks, gives way to a word. */
export const audit =
  (finder: Finder): Rewrite =>
  (bytes) => {
    let rows = 0;
    const text = textOf(bytes).replace(
      /(\\*")(\d{1,20})(\\*")/g,
      (whole, before: string, id: string, after: string) => {
        if (!finder.isForgottenId(id)) return whole;
        rows += 1;
        return `${before}forgotten${after}`;
      },
    );
    return rows === 0 ? null : { rows, bytes: Buffer.from(text) };
  };
