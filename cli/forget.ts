import {
  Forgotten,
  FORGOTTEN_KEY,
  readForgotten,
  readMarker,
  withIds,
  type ForgottenList,
  type Marker,
} from '../functions/lake/forgotten';
import { putJsonIf, type LakeBucket as Bucket } from '../functions/lake/objects';
import { datasets, prefixes } from '../workflows/datasets';
import { MAX_REPLAYED_DAYS } from '../workflows/payloads';
import type { Workspace } from '../session/workspace';
import type { Session } from '../session/session';
import { UserError } from '../session/user-error';
import { describeFailure } from './run/failure';
import { startRun } from './run/launch';
import { archiveSeen } from './run/archived';
import { seconds, type Screen } from './screen';
import {
  allowToShrink,
  publishedPartitions,
  removeVersions,
  thatReadersSee,
  versionsThatHold,
  type HoldingVersion,
} from '../erasure/cleaned';
import { holdLake, type Hold } from '../erasure/hold';
import { withAllVersions } from '../erasure/edits';
import type { Wanted } from '../erasure/ids';
import { removeLocalCopies } from '../erasure/local-copies';
import { markModels } from '../erasure/models';
import {
  homes,
  Narrowed,
  whereTheyAreNamed,
  whereTweetsLie,
  type Rewritten,
} from '../erasure/places';
import { digestOf, SurveyProgress } from '../erasure/progress';
import { ForgetRecord, places, type Place } from '../erasure/record';
import { Finder, nothingFound } from '../erasure/rewrites';
import { forEachOf, nothing, scrubKeys, type Scrubbing, type Tally } from '../erasure/scrub';
import { lookThrough } from '../erasure/survey';
import { deleteAllVersions, versionsBelow, versionsOf } from '../functions/lake/versions';

// Each lost race means that another forget wrote in between; more than a few means that something is wrong.
const MAX_RACES = 5;
/** Days of one replay: few enough for one Spark run well below its limit, and a batch that fails costs no other. */
const DAYS_A_REPLAY = Math.min(30, MAX_REPLAYED_DAYS);
/** S3's clocks may differ a little from each other. */
const CLOCK_MARGIN_MS = 60_000;

interface Work extends Scrubbing {
  session: Session;
  screen: Screen;
  record: ForgetRecord;
  finder: Finder;
  progress: SurveyProgress;
  marker: Marker;
  /** What need not be looked at; null where all has to be. */
  narrowed: Narrowed | null;
  /** Throws when Ctrl-C was pressed. */
  mustGoOn: () => void;
}

type Change = (list: ForgottenList) => ForgottenList;

/** Changes the list; answers it as it then is, and what it was. */
async function changeList(
  lake: Bucket,
  marker: Marker,
  change: Change,
): Promise<{ list: ForgottenList; before: ForgottenList }> {
  for (let race = 0; race < MAX_RACES; race += 1) {
    const { list: before, etag } = await readForgotten(lake, marker);
    const list = change(before);
    if (list === before) return { list, before };
    if ((await putJsonIf(lake, FORGOTTEN_KEY, list, { ifMatch: etag })) !== null)
      return { list, before };
  }
  throw new UserError(`${FORGOTTEN_KEY} was changed by somebody else: run the same command again.`);
}

/** S3's time of the last write to the list: our own clock may be another. */
async function timeOfList(lake: Bucket): Promise<Date> {
  const { versions } = await versionsOf(lake, FORGOTTEN_KEY);
  const current = versions.find(({ isCurrent }) => isCurrent);
  return new Date((current?.modified ?? new Date(0)).valueOf() - CLOCK_MARGIN_MS);
}

type Holding = ReadonlyMap<Place, ReadonlySet<string>>;

/**
 * Looks through the lake without changing it, as far as that has not been done: first for the tweets, then, with the
 * ids and texts that were found, for what names them. Answers which objects hold something.
 */
async function survey(work: Work): Promise<Holding> {
  const { lake, marker } = work;
  const holding = new Map<Place, Set<string>>();
  const look = async (
    stage: string,
    of: string,
    all: ReturnType<typeof whereTheyAreNamed>,
  ): Promise<void> => {
    const { progress, screen, mustGoOn } = work;
    for (const [name, place] of all) {
      screen.live(`Looking through ${place.prefix}`);
      const covered = await lookThrough(
        {
          lake,
          since: progress.since,
          mustGoOn,
          report: (objects, soFar) => {
            if (!progress.isDue) return;
            progress.set(stage, of, name, soFar());
            progress.save();
            screen.live(`Looking through ${place.prefix}: ${objects} objects so far`);
          },
        },
        place,
        progress.covered(stage, of, name),
      );
      progress.set(stage, of, name, covered);
      progress.save();
      holding.set(name, new Set([...(holding.get(name) ?? []), ...covered.holding]));
    }
  };
  const tweets = whereTweetsLie(work.finder, work.narrowed);
  await look('tweets', work.narrowed === null ? 'everywhere' : 'by name', tweets);
  // An author's tweets are known by their own ids from now on: verdicts carry no author.
  const { found } = work.finder;
  const { list } = await changeList(lake, marker, (before) =>
    withIds(before, { tweets: found.tweets, authors: [] }, marker),
  );
  work.finder = new Finder(new Forgotten(list, marker), found);
  const of = digestOf([...list.tweets, ...list.authors, ...found.texts]);
  await look('names', of, whereTheyAreNamed(work.finder));
  return holding;
}

/** Results of queries: one may hold a text without its id, and each can be asked for again. So all go. */
async function removeQueryResults({ lake, mustHold }: Work): Promise<Tally> {
  const tally = nothing();
  await forEachOf(versionsBelow(lake, prefixes.queryResults), async (object) => {
    mustHold();
    tally.versions += (await deleteAllVersions(lake, object)) - 1;
    tally.objects += 1;
  });
  return tally;
}

const QUOTES = new RegExp(`^${prefixes.models}.+/(?:evaluation\\.html|output/output\\.tar\\.gz)$`);

/**
 * A model's page quotes the texts it was most wrong about, and lies in the archive that its job left, too. All go:
 * which texts a page quotes is not asked, and the figures stay in `evaluation.json`.
 */
async function removePages({ lake, mustHold }: Work): Promise<Tally> {
  const tally = nothing();
  await forEachOf(versionsBelow(lake, prefixes.models), async (object) => {
    if (!QUOTES.test(object.key)) return;
    mustHold();
    tally.versions += (await deleteAllVersions(lake, object)) - 1;
    tally.objects += 1;
  });
  return tally;
}

/**
 * From the outside inwards: what is known by a tweet's text or id goes first, the tweets themselves last. So a call
 * that is killed leaves what the next one needs to find the rest.
 */
async function takeOut(work: Work, holding: Holding): Promise<HoldingVersion[]> {
  const { lake, record, finder, screen, session } = work;
  const keysOf = (place: Place) => holding.get(place) ?? new Set<string>();
  screen.live('Forgetting');
  const { versions, unreadable } = await versionsThatHold(lake, finder, keysOf('cleaned-tweets'));
  const models = await markModels(work, versions, [...keysOf('labels')], new Date());
  record.models = models.marked;
  record.addUnreadable([...unreadable, ...models.unreadable]);
  const scrub = async (place: Rewritten) => {
    screen.live(`Forgetting in ${homes[place].prefix}`);
    const rewrite = homes[place].rewrite(finder);
    await record.add(place, await scrubKeys(work, keysOf(place), rewrite));
  };
  await scrub('labels');
  await scrub('scored');
  await scrub('quarantine');
  await scrub('imports');
  await scrub('parked');
  await scrub('plans');
  await scrub('audit');
  await record.add('query-results', await removeQueryResults(work));
  await record.add('evaluations', await removePages(work));

  // Before the raw rows go: from then on a run of anybody's may publish the days anew.
  const catalog = { glue: session.people.forgetter.glue, database: session.outputs.DatabaseName };
  const partitions = await publishedPartitions(catalog);
  const seen = thatReadersSee(versions, partitions);
  for (const { date, rows } of seen) {
    const partition = partitions.get(date);
    work.mustHold();
    if (partition) await allowToShrink(catalog, partition, rows);
  }
  await scrub('raw-tweets');
  await record.add(
    'cleaned-tweets',
    await removeVersions(
      work,
      versions.filter((version) => !seen.includes(version)),
    ),
  );
  return seen;
}

/** Executions that clean just these days anew. */
export const replaysOf = (days: readonly string[]) =>
  Array.from({ length: Math.ceil(days.length / DAYS_A_REPLAY) }, (_, index) => ({
    mode: 'replay',
    days: days.slice(index * DAYS_A_REPLAY, (index + 1) * DAYS_A_REPLAY),
    stream: false,
  }));

/** Has the days cleaned and published without the forgotten rows. Throws UserError when that does not succeed. */
async function publishAnew(
  workspace: Workspace,
  { lake: bucket, session, screen }: Work,
  days: readonly string[],
): Promise<void> {
  for (const [index, input] of replaysOf(days).entries()) {
    const run = await startRun(workspace, session, screen, input);
    // As ForgetterRole, which lists versions: who makes the lake forget need not be an analyst.
    await archiveSeen(run, async (key) => (await versionsOf(bucket, key)).versions.length > 0);
    if (run.status === 'SUCCEEDED') continue;
    for (const line of describeFailure(run, session.environment)) screen.say(line);
    throw new UserError(
      `${days.slice(index * DAYS_A_REPLAY).join(', ')} still show what is to be forgotten, because ${run.name} failed. Fix the cause, then run the same command again.`,
    );
  }
}

/** What readers no longer see since the days were published anew. */
async function takeOutReplaced(work: Work, days: readonly string[]): Promise<void> {
  const { lake, record, session, finder } = work;
  const keys: string[] = [];
  for (const day of days) {
    for await (const { key } of versionsBelow(lake, `${datasets.tweets.prefix}dt=${day}/`))
      keys.push(key);
  }
  const { versions, unreadable } = await versionsThatHold(lake, finder, keys);
  const catalog = { glue: session.people.forgetter.glue, database: session.outputs.DatabaseName };
  const seen = thatReadersSee(versions, await publishedPartitions(catalog));
  await record.add('cleaned-tweets', {
    ...(await removeVersions(
      work,
      versions.filter((version) => !seen.includes(version)),
    )),
    unreadable,
  });
  if (seen.length > 0) {
    throw new UserError(
      `${seen.map(({ date }) => date).join(', ')} still show what is to be forgotten: run the same command again.`,
    );
  }
}

function report(screen: Screen, record: ForgetRecord): number {
  screen.rest();
  for (const place of places) {
    const { rows, objects, versions } = record.of(place);
    if (rows + objects + versions > 0)
      screen.say(
        `  ${place.padEnd(15)} ${rows} rows in ${objects} objects, and ${versions} old versions`,
      );
  }
  if (record.days.length > 0) screen.say(`Published anew: ${record.days.join(', ')}.`);
  if (record.models.length > 0)
    screen.say(
      `Models that were given some of it, now marked so: ${record.models.join(', ')}. npm run lake -- retrain makes one that was not.`,
    );
  screen.say(`How much went from where: ${record.key}`);
  screen.say(
    'The stream keeps what it was sent for its 7 days; nobody can delete from it, and nothing in the lake is made of it any more.',
  );
  if (record.unreadable.length === 0) return 0;
  screen.say(
    `${record.unreadable.length} objects cannot be read. They may still hold something; of a model whose input/request.json cannot be read, nobody knows what it was given. Repair or delete them, and run the same command again:`,
  );
  for (const key of record.unreadable) screen.say(`  ${key}`);
  return 1;
}

/**
 * Takes tweets and all that is known of them out of the lake, old versions of objects included. It looks through the
 * lake while others work on it, and holds it only to change what it found. Killed anywhere, the same command goes on
 * where it was. Throws UserError while a run or an ingest is at work.
 */
export async function forget(
  workspace: Workspace,
  session: Session,
  screen: Screen,
  told: Wanted,
): Promise<number> {
  const bucket: Bucket = { s3: session.people.forgetter.s3, bucket: session.outputs.BucketName };
  const asked = { tweets: told.tweets.length, authors: told.authors.length };
  const record = new ForgetRecord(bucket, new Date(), asked);
  const { sfn } = session.clients;
  let hold: Hold | null = null;
  const beganAt = Date.now();

  const { secrets } = session.people.forgetter;
  const marker = await readMarker(secrets, session.outputs.ForgottenSecretArn);
  const wanted = { ...told, tweets: await withAllVersions(bucket, told.tweets) };
  if (wanted.tweets.length > asked.tweets)
    screen.say(
      `${wanted.tweets.length - asked.tweets} more ids are of the same posts, which were edited: they go with them.`,
    );
  // What was told, as a mark: it stands on the list until it is done.
  const mark = marker(
    'check',
    digestOf([
      bucket.bucket,
      ...told.tweets.map((id) => `tweet ${id}`),
      ...told.authors.map((id) => `author ${id}`),
    ]),
  );
  // On the list first: from now on nothing brings them back.
  const { list, before } = await changeList(bucket, marker, (known) => ({
    ...withIds(known, wanted, marker),
    unfinished: [...new Set([...known.unfinished, mark])],
  }));
  // Where another command has not ended, everything has to be looked at for its ids, which only the list knows.
  const isNarrow = wanted.authors.length === 0 && before.unfinished.every((one) => one === mark);
  const work: Work = {
    lake: bucket,
    session,
    screen,
    record,
    finder: new Finder(new Forgotten(list, marker), nothingFound()),
    progress: SurveyProgress.open(
      workspace.home,
      session.environment,
      mark,
      await timeOfList(bucket),
    ),
    marker,
    narrowed: isNarrow ? new Narrowed(wanted.tweets) : null,
    mustGoOn: () => workspace.signal.throwIfAborted(),
    mustHold: () => {
      workspace.signal.throwIfAborted();
      if (hold === null) throw new Error('The lake is changed while it is not held.');
      hold.mustHold();
    },
  };
  if (work.progress.isResumed) screen.say('Going on where the same command was interrupted.');
  try {
    await survey(work);
    screen.rest();
    screen.say(`Looked through the lake in ${seconds(Date.now() - beganAt)}.`);

    hold = await holdLake(bucket, sfn);
    const heldAt = Date.now();
    // Once more for what was written meanwhile: nobody writes now.
    const seen = await takeOut(work, await survey(work));
    await hold.release();
    hold = null;
    screen.rest();
    screen.say(
      `Took out what it found in ${seconds(Date.now() - heldAt)}; no run could start for so long.`,
    );

    if (seen.length > 0) {
      record.days = seen.map(({ date }) => date).sort();
      await publishAnew(workspace, work, record.days);
      hold = await holdLake(bucket, sfn);
      const holding = await survey(work);
      await takeOutReplaced(work, record.days);
      await record.add('query-results', await removeQueryResults(work));
      const keys = holding.get('audit') ?? [];
      await record.add('audit', await scrubKeys(work, keys, homes.audit.rewrite(work.finder)));
    }
    await removeLocalCopies(workspace, work.finder);
    await record.write(new Date());
    // A look through everything has ended what earlier calls began, too.
    const ended = new Set([mark, ...(isNarrow ? [] : before.unfinished)]);
    await changeList(bucket, marker, (known) => ({
      ...known,
      unfinished: known.unfinished.filter((one) => !ended.has(one)),
    }));
    work.progress.remove();
  } finally {
    screen.rest();
    await hold?.release();
  }
  return report(screen, record);
}
