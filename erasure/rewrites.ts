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

/** A tweet as stored in raw pages, in records queued for retry, in plans and in imports. */
const Tweet = z.object({
  id: z.string(),
  author_id: z.string(),
  text: z.string().optional(),
  /** The ids of all versions of an edited post: erasing one of them erases the post. */
  edit_history_tweet_ids: z.array(z.string()).nullish().catch(null),
});
/** A line of an import. It stores the tweet as text; earlier releases stored its fields. */
const ImportLine = z.object({
  record: z.string(),
  original: z.object({ authorId: z.string().nullable() }).nullable(),
});
const OlderImportLine = z.object({ tweet: z.unknown() });
const Refused = z.object({ raw: z.string() });

/** The ids and texts found while reading. Labels are matched by text, predictions by id. */
export interface Found {
  tweets: Set<string>;
  texts: Set<string>;
}

export const nothingFound = (): Found => ({ tweets: new Set(), texts: new Set() });

/** Matches ids in text that is not valid JSON or has another form: long numbers, and short ones in quotation marks. */
const ID_IN_TEXT = /(?<!\d)\d{6,20}(?!\d)|\\*"(\d{1,5})\\*"/g;

function idsIn(text: string): string[] {
  return [...text.matchAll(ID_IN_TEXT)].map(([whole, quoted]) => quoted ?? whole);
}

/** Recognizes tweets to erase in every stored form and collects their ids and texts. */
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
    // The row of a long post has its full text, and labels refer to that.
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

  /** Whether a quarantined record must be erased: it is not a valid tweet, so any matching id in it counts. */
  isForgottenText(raw: string): boolean {
    const parsed = jsonOf(raw);
    if (Tweet.safeParse(parsed).success) return this.isForgotten(parsed);
    const isIt = idsIn(raw).some((id) => this.isForgottenId(id));
    const text = isIt ? z.object({ text: z.string() }).safeParse(parsed).data?.text : undefined;
    if (text !== undefined) this.found.texts.add(textHash(withoutUrls(text)));
    return isIt;
  }

  /** Removes the tweets to erase from a JSON value, at any depth; `rows` counts them. */
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

  /** Removes ids from a raw page's name: it begins with the oldest and newest tweet id, and the ledger stores it. */
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

/** Returns the remaining lines, byte for byte; null when all remain. */
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

/** Rewrites a raw page. Its new key carries the id range of the remaining tweets. */
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

/** Rewrites records queued for retry: rows as in raw pages, not compressed. */
export const queued =
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

/** What Lambda writes of a batch that it gives up: `payload` is the event, as text. */
const FailedBatch = z.looseObject({ payload: z.string() });
const StreamEvent = z.looseObject({
  Records: z.array(z.looseObject({ kinesis: z.looseObject({ data: z.base64() }) })),
});

/**
 * Rewrites a batch that the stream scorer could not score. Throws UnreadableError when it has another form: its records
 * are in base64, so no id could be found in it.
 */
export const failedBatch =
  (finder: Finder): Rewrite =>
  (bytes) => {
    const batch = FailedBatch.safeParse(jsonOf(textOf(bytes))).data;
    const event = StreamEvent.safeParse(batch && jsonOf(batch.payload)).data;
    if (batch === undefined || event === undefined)
      throw new UnreadableError('not a batch of stream records');
    const Records = event.Records.filter(
      ({ kinesis }) => !finder.isForgottenText(Buffer.from(kinesis.data, 'base64').toString()),
    );
    const rows = event.Records.length - Records.length;
    if (rows === 0) return null;
    const left = { ...batch, payload: JSON.stringify({ ...event, Records }) };
    return { rows, bytes: Records.length === 0 ? null : Buffer.from(JSON.stringify(left)) };
  };

/** Rewrites a page of an import. A page that loses all lines stays as an empty object, because pages are counted. */
export const imported =
  (finder: Finder): Rewrite =>
  (bytes) => {
    const left = scrubLines(unzipped(bytes), (line) => {
      const parsed = jsonOf(line);
      const kept = ImportLine.safeParse(parsed).data;
      if (kept !== undefined) {
        // A retweet holds the text of the original post.
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

/** Rewrites a plan or one of its pending pages. */
export const plan =
  (finder: Finder): Rewrite =>
  (bytes) => {
    const { value, rows } = finder.prune(JSON.parse(textOf(bytes)));
    return rows === 0 ? null : { rows, bytes: Buffer.from(JSON.stringify(value)) };
  };

const LabelRow = z.object({ text_hash: z.string(), text: z.string() });

/** Rewrites labels. An object that loses all rows stays empty: its name prevents a second import of the same file. */
export const labels =
  (texts: ReadonlySet<string>): Rewrite =>
  (bytes) => {
    // Training recognizes gzipped labels by their content, not by their name.
    const isPacked = isGzipped(bytes);
    const left = scrubLines(isPacked ? unzipped(bytes) : textOf(bytes), (line) => {
      const label = LabelRow.safeParse(jsonOf(line)).data;
      // Match the text's hash of today as well as the hash that an older release stored.
      return label !== undefined && (texts.has(label.text_hash) || texts.has(textHash(label.text)));
    });
    const rest = left && Buffer.from(joined(left.lines));
    return left && rest && { rows: left.rows, bytes: isPacked ? gzipSync(rest) : rest };
  };

/** Reads the rows of a Parquet file; `columns` limits what is read. Throws UnreadableError when it is not Parquet. */
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

/** Checks that rows have the schema's columns. Throws UnreadableError when they do not. */
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

/** Rewrites a history or report. They stay as proof; an erased id, always in quotation marks, becomes "forgotten". */
export const audit =
  (finder: Finder): Rewrite =>
  (bytes) => {
    let rows = 0;
    const text = textOf(bytes).replace(
      /(\\*")(\d{1,20})(\\*")/g,
      (match, before: string, id: string, after: string) => {
        if (!finder.isForgottenId(id)) return match;
        rows += 1;
        return `${before}forgotten${after}`;
      },
    );
    return rows === 0 ? null : { rows, bytes: Buffer.from(text) };
  };
