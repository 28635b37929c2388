import { gunzipSync } from 'node:zlib';
import { z } from 'zod';
import { RawTweetRow } from '../../../functions/x/tweets';
import { withoutUrls } from '../../../workflows/text-links';
import { LATE_SECONDS, type Played } from './play';
import { QUERIES, type QueryName, type WorldPost } from './world';

const SEARCHABLE_MS = 7 * 24 * 3600 * 1000;
// The margin that a first window keeps from X's edge, and what the clock moves meanwhile.
const EDGE_MS = 3600 * 1000;

const Ledger = z.looseObject({
  received: z.number(),
  written: z.number(),
  duplicates: z.number(),
  quarantined: z.number(),
  objects: z.array(z.string()),
});
const Refused = z.looseObject({ reason: z.string(), raw: z.string() });
/** An id that was sent as a number is kept with the digits that stood in the answer, whatever the post's own id is. */
const SentPost = z.looseObject({
  id: z.union([z.string(), z.number().transform((id) => JSON.stringify(id))]),
  text: z.string(),
});

/** All that is wrong with what a script left behind, in words; nothing, if all is well. */
export function verdict(played: Played): string[] {
  const { s3, kinesis } = played;
  const raw = [...s3.objects].filter(([key]) => key.startsWith('raw-data/tweets/'));
  const rows = raw.flatMap(([, { body }]) =>
    linesOf(gunzipSync(body)).map((line) => RawTweetRow.parse(line)),
  );
  const refused = [...s3.objects]
    .filter(([key]) => key.startsWith('raw-data/quarantine/'))
    .flatMap(([, { body }]) => linesOf(body).map((line) => Refused.parse(line)));
  const pages = [...s3.objects]
    .filter(([key]) => key.startsWith('raw-data/plans/pages/'))
    .map(([key, { body }]) => ({ key, ...Ledger.parse(JSON.parse(body.toString('utf8'))) }));
  return [
    ...played.wrong,
    ...s3.overwritten.map((key) => `${key} was overwritten with other bytes`),
    ...twice(rows.map(({ id }) => id)).map((id) => `tweet ${id} lies in raw-data more than once`),
    ...lost(played, rows, refused),
    ...notStreamed(rows, kinesis.records),
    ...changedTexts(played, rows),
    ...unreconciled(
      raw.map(([key]) => key),
      rows.length,
      refused.length,
      pages,
    ),
    ...queued(s3.objects.keys()),
    ...overspent(played),
  ];
}

const linesOf = (bytes: Buffer): unknown[] =>
  bytes
    .toString('utf8')
    .split('\n')
    .filter((line) => line !== '')
    .map((line): unknown => JSON.parse(line));

const twice = (values: readonly string[]): string[] => [
  ...new Set(values.filter((value, index) => values.indexOf(value) !== index)),
];

const Plan = z.looseObject({
  gaps: z.array(
    z.looseObject({ query: z.string(), from: z.string().nullable(), until: z.string() }),
  ),
});
/** Tweets that are neither in the lake nor in quarantine nor in a gap that was reported. */
function lost(
  { world, firstAsked, gaps, s3 }: Played,
  rows: readonly { id: string }[],
  refused: readonly { raw: string }[],
): string[] {
  // A run that was killed after it noted its report has none, but the plan still knows.
  const known = [...s3.objects]
    .filter(([key]) => key.startsWith('raw-data/plans/queries/'))
    .flatMap(([, { body }]) => Plan.parse(JSON.parse(body.toString('utf8'))).gaps);
  const held = new Set(rows.map(({ id }) => id));
  const whole = world.answers.filter((answer) => answer.isComplete);
  /** Sent in a form that holds no trace of it. */
  const untraceable = new Set(
    whole.flatMap(({ ids, sent }) => {
      const sound = new Set(sent.flatMap((post) => SentPost.safeParse(post).data?.id ?? []));
      return ids.filter((id) => !sound.has(id));
    }),
  );
  const servedTo = (name: QueryName) =>
    new Set(
      whole
        .filter(({ params }) =>
          QUERIES.some((query) => query.name === name && query.query === params.get('query')),
        )
        .flatMap(({ sent }) => sent.flatMap((post) => SentPost.safeParse(post).data?.id ?? [])),
    );
  const served = new Map(QUERIES.map(({ name }) => [name, servedTo(name)]));
  const isQuarantined = ({ id, text }: WorldPost) => {
    const mark = / (p\d+p) /.exec(text)?.[1] ?? text;
    return refused.some(({ raw }) => raw.includes(id) || raw.includes(mark));
  };
  /** Hidden by the script: X itself brought it later than anybody waits for. */
  const wasHidden = (post: WorldPost) =>
    world.hidden.has(post.id) && ![...served.values()].some((ids) => ids.has(post.id));
  const isOwed = (post: WorldPost) =>
    queriesOf(post).some((query) => {
      const asked = firstAsked.get(query);
      const inTime = post.visibleAt - post.createdAt <= LATE_SECONDS * 1000 - 1000;
      return (
        asked !== undefined &&
        ((inTime && post.createdAt >= asked - SEARCHABLE_MS + EDGE_MS) ||
          served.get(query)?.has(post.id)) &&
        ![...gaps, ...known].some((gap) => gap.query === query && isIn(gap, post.createdAt))
      );
    });
  return world.posts
    .filter((post) => !held.has(post.id) && isOwed(post))
    .filter((post) => !isQuarantined(post) && !untraceable.has(post.id) && !wasHidden(post))
    .map(
      ({ id, text, createdAt }) =>
        `tweet ${id} (${text}, ${new Date(createdAt).toISOString()}) is lost`,
    );
}

const queriesOf = ({ text }: WorldPost): QueryName[] =>
  QUERIES.filter(({ query }) =>
    (query.match(/[a-z]+/g) ?? []).some((word) => text.split(' ').includes(word)),
  ).map(({ name }) => name);

const isIn = ({ from, until }: { from: string | null; until: string }, instant: number): boolean =>
  (from === null || Date.parse(from) <= instant) && instant <= Date.parse(until);

function notStreamed(
  rows: readonly RawTweetRow[],
  records: readonly { key: string; data: string }[],
): string[] {
  const streamed = new Map(records.map(({ key, data }) => [key, data]));
  return rows
    .filter((row) => streamed.get(row.id) !== JSON.stringify(row))
    .map(
      ({ id }) =>
        `tweet ${id} is ${streamed.has(id) ? 'another on the stream' : 'not on the stream'}`,
    );
}

/** Unicode as it was sent, less the URLs. */
function changedTexts({ world }: Played, rows: readonly RawTweetRow[]): string[] {
  const sent = new Map<string, Set<string>>();
  for (const post of world.answers.flatMap((answer) => answer.sent)) {
    const { success, data } = SentPost.safeParse(post);
    if (success) sent.set(data.id, (sent.get(data.id) ?? new Set()).add(withoutUrls(data.text)));
  }
  return rows
    .filter(({ id, text }) => !sent.get(id)?.has(text))
    .map(({ id, text }) => `the text of tweet ${id} was not sent so: ${JSON.stringify(text)}`);
}

function unreconciled(
  keys: readonly string[],
  rows: number,
  refused: number,
  pages: readonly (z.infer<typeof Ledger> & { key: string })[],
): string[] {
  const sum = (value: (page: (typeof pages)[number]) => number) =>
    pages.reduce((total, page) => total + value(page), 0);
  const named = pages.flatMap(({ objects }) => objects);
  return [
    ...pages
      .filter((page) => page.received !== page.written + page.duplicates + page.quarantined)
      .map(({ key }) => `${key} does not add up`),
    ...(sum(({ written }) => written) === rows
      ? []
      : [`the ledger has ${sum(({ written }) => written)} tweets written, the lake ${rows}`]),
    ...(sum(({ quarantined }) => quarantined) === refused
      ? []
      : [`the ledger has ${sum(({ quarantined }) => quarantined)} refused, quarantine ${refused}`]),
    ...keys
      // A merged object of a closed day holds the rows of pages that the ledger names, each once.
      .filter((key) => !named.includes(key) && !/-merged-[0-9a-f]{32}\.ndjson\.gz$/.test(key))
      .map((key) => `no page of the ledger names ${key}`),
    ...twice(named).map((key) => `two pages of the ledger name ${key}`),
  ];
}

const queued = (keys: Iterable<string>): string[] =>
  [...keys]
    .filter((key) => key.startsWith('raw-data/parked/'))
    .map((key) => `${key} is still queued`);

function overspent({ script, spentByRun, spentByMonth }: Played): string[] {
  const limit = script.maxTweetsPerMonth ?? Infinity;
  return [
    ...[...spentByRun]
      .filter(([, spent]) => spent.posts > spent.limit)
      .map(([run, spent]) => `${run} read ${spent.posts} posts of ${spent.limit}`),
    ...[...spentByMonth]
      .filter(([, posts]) => posts > limit)
      .map(([month, posts]) => `${posts} posts were read in ${month}, of ${limit}`),
  ];
}
