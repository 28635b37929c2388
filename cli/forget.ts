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
import { MAX_DAYS_A_RUN } from '../workflows/payloads';
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
import { publishedDays } from '../functions/lake/published';
import { deleteAllVersions, versionsBelow, versionsOf } from '../functions/lake/versions';

// Each lost race means that another `forget` wrote in between; more than a few mean that something is wrong.
const MAX_RACES = 5;
/** Rows per replay, unless one day has more: Spark cleans so many within a third of its time limit of an hour. */
const ROWS_A_REPLAY = 10_000_000;
/** S3's clocks may differ a little from each other. */
const CLOCK_MARGIN_MS = 60_000;

interface Work extends Scrubbing {
  session: Session;
  screen: Screen;
  record: ForgetRecord;
  finder: Finder;
  progress: SurveyProgress;
  marker: Marker;
  /** Decides which objects the survey may skip; null when it must read all. */
  narrowed: Narrowed | null;
  /** Throws when Ctrl-C was pressed. */
  mustGoOn: () => void;
}

type Change = (list: ForgottenList) => ForgottenList;

/** Changes the list of erased ids; returns it after and before. Throws UserError after five lost races. */
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
  throw new UserError(`${FORGOTTEN_KEY} was changed at the same time. Run the same command again.`);
}

/** The time of the last write to the list by S3's clock, since ours may differ. */
async function timeOfList(lake: Bucket): Promise<Date> {
  const { versions } = await versionsOf(lake, FORGOTTEN_KEY);
  const current = versions.find(({ isCurrent }) => isCurrent);
  return new Date((current?.modified ?? new Date(0)).valueOf() - CLOCK_MARGIN_MS);
}

type Holding = ReadonlyMap<Place, ReadonlySet<string>>;

/**
 * Reads what was not surveyed yet, without changing the tweets' objects: first the places of tweets, then, with the
 * ids and texts found there, the places that name them. Returns the objects that hold something to erase.
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
      screen.live(`Searching ${place.prefix}`);
      const covered = await lookThrough(
        {
          lake,
          since: progress.since,
          mustGoOn,
          report: (objects, soFar) => {
            if (!progress.isDue) return;
            progress.set(stage, of, name, soFar());
            progress.save();
            screen.live(`Searching ${place.prefix}: ${objects} objects so far`);
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
  // List an author's tweets by their own ids from now on, because predictions carry no author.
  const { found } = work.finder;
  const { list } = await changeList(lake, marker, (before) =>
    withIds(before, { tweets: found.tweets, authors: [] }, marker),
  );
  work.finder = new Finder(new Forgotten(list, marker), found);
  const of = digestOf([...list.tweets, ...list.authors, ...found.texts]);
  await look('names', of, whereTheyAreNamed(work.finder));
  return holding;
}

/** Deletes all query results: one may hold a text without its id, and every query can be run again. */
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
 * Deletes all models' evaluation pages and the job archives that contain them. A page quotes the texts on which the
 * model was most wrong. We do not check which texts a page quotes; the metrics stay in `evaluation.json`.
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
 * Erases objects that refer to tweets first and the tweets themselves last: a killed call leaves what the next call
 * needs to find the rest. Returns the published snapshots that must be replaced.
 */
async function takeOut(work: Work, holding: Holding): Promise<HoldingVersion[]> {
  const { lake, record, finder, screen, session } = work;
  const keysOf = (place: Place) => holding.get(place) ?? new Set<string>();
  screen.live('Erasing');
  const { versions, unreadable } = await versionsThatHold(lake, finder, keysOf('cleaned-tweets'));
  const models = await markModels(work, versions, [...keysOf('labels')], new Date());
  record.models = models.marked;
  record.addUnreadable([...unreadable, ...models.unreadable]);
  const scrub = async (place: Rewritten) => {
    screen.live(`Erasing from ${homes[place].prefix}`);
    const rewrite = homes[place].rewrite(finder);
    await record.add(place, await scrubKeys(work, keysOf(place), rewrite));
  };
  await scrub('labels');
  await scrub('scored');
  await scrub('quarantine');
  await scrub('imports');
  await scrub('queued');
  await scrub('failed-batches');
  await scrub('plans');
  await scrub('audit');
  await record.add('query-results', await removeQueryResults(work));
  await record.add('evaluations', await removePages(work));

  // Before the raw rows are erased: after that, any run may publish the days again.
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

/** Inputs of the executions that clean exactly these days again, as many in each as one Spark run cleans in time. */
export function replaysOf(days: readonly { date: string; rows: number }[]) {
  const replays: { mode: 'replay'; days: string[]; stream: false }[] = [];
  let rowsOfLast = 0;
  for (const { date, rows } of days) {
    const last = replays.at(-1);
    rowsOfLast += rows;
    if (last && last.days.length < MAX_DAYS_A_RUN && rowsOfLast <= ROWS_A_REPLAY) {
      last.days.push(date);
    } else {
      replays.push({ mode: 'replay', days: [date], stream: false });
      rowsOfLast = rows;
    }
  }
  return replays;
}

/** Replays the days, so that they are published without the erased rows. Throws UserError when a replay fails. */
async function publishAnew(
  workspace: Workspace,
  { lake: bucket, session, screen }: Work,
  days: readonly string[],
): Promise<void> {
  const catalog = { glue: session.people.forgetter.glue, database: session.outputs.DatabaseName };
  const rows = new Map((await publishedDays(catalog)).map((day) => [day.date, day.rows]));
  const replays = replaysOf(days.map((date) => ({ date, rows: rows.get(date) ?? 0 })));
  for (const [index, input] of replays.entries()) {
    const run = await startRun(workspace, session, screen, input);
    // As ForgetterRole, which may list versions: a person who erases need not be an analyst.
    await archiveSeen(run, async (key) => (await versionsOf(bucket, key)).versions.length > 0);
    if (run.status === 'SUCCEEDED') continue;
    for (const line of describeFailure(run, session.environment)) screen.say(line);
    const left = replays.slice(index).flatMap((replay) => replay.days);
    throw new UserError(
      `${left.join(', ')} still contain rows to erase, because ${run.name} failed. Fix the cause, then run the same command again.`,
    );
  }
}

/** Deletes the days' snapshots that were replaced. Throws UserError when a published one still holds rows to erase. */
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
      `${seen.map(({ date }) => date).join(', ')} still contain rows to erase. Run the same command again.`,
    );
  }
}

function report(screen: Screen, record: ForgetRecord): number {
  screen.rest();
  for (const place of places) {
    const { rows, objects, versions } = record.of(place);
    if (rows + objects + versions > 0)
      screen.say(
        `  ${place.padEnd(15)} ${rows} rows in ${objects} objects, ${versions} old versions`,
      );
  }
  if (record.days.length > 0) screen.say(`Published again: ${record.days.join(', ')}.`);
  if (record.models.length > 0)
    screen.say(
      `These models may have been trained on erased rows and are marked: ${record.models.join(', ')}. Train a new one with: npm run lake -- retrain`,
    );
  screen.say(`Record of this call: ${record.key}`);
  screen.say(
    'The stream keeps its records for up to 7 days. They cannot be deleted, but the lake makes nothing of them any more.',
  );
  if (record.unreadable.length === 0) return 0;
  screen.say(
    `${record.unreadable.length} objects cannot be read and may still hold rows to erase. If it is a model's input/request.json, the model's training data is unknown. Repair or delete them, then run the same command again:`,
  );
  for (const key of record.unreadable) screen.say(`  ${key}`);
  return 1;
}

/**
 * Erases tweets and everything that refers to them from the lake, including old versions of objects. It surveys the
 * lake while others work on it, and holds it only to change objects. If it is killed, the same command continues from
 * there. Returns the exit status. Throws UserError while a run or an ingest is at work.
 */
export async function forget(
  workspace: Workspace,
  session: Session,
  screen: Screen,
  requested: Wanted,
): Promise<number> {
  const bucket: Bucket = { s3: session.people.forgetter.s3, bucket: session.outputs.BucketName };
  const asked = { tweets: requested.tweets.length, authors: requested.authors.length };
  const record = new ForgetRecord(bucket, new Date(), asked);
  const { sfn } = session.clients;
  let hold: Hold | null = null;
  const beganAt = Date.now();

  const { secrets } = session.people.forgetter;
  const marker = await readMarker(secrets, session.outputs.ForgottenSecretArn);
  const wanted = { ...requested, tweets: await withAllVersions(bucket, requested.tweets) };
  if (wanted.tweets.length > asked.tweets)
    screen.say(
      `The posts were edited: ${wanted.tweets.length - asked.tweets} ids of their other versions are erased, too.`,
    );
  // Identifies this command. The mark stays on the list until the command has finished.
  const mark = marker(
    'check',
    digestOf([
      bucket.bucket,
      ...requested.tweets.map((id) => `tweet ${id}`),
      ...requested.authors.map((id) => `author ${id}`),
    ]),
  );
  // Put the ids on the list first: from now on no ingest or import stores them again.
  const { list, before } = await changeList(bucket, marker, (known) => ({
    ...withIds(known, wanted, marker),
    unfinished: [...new Set([...known.unfinished, mark])],
  }));
  // If another command has not finished, search everything: its ids are only on the list, as hashes.
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
      if (hold === null) throw new Error('A change of the lake was tried without a hold on it.');
      hold.mustHold();
    },
  };
  if (work.progress.isResumed) screen.say('Continuing the same command after its interruption.');
  try {
    await survey(work);
    screen.rest();
    screen.say(`Searched the lake in ${seconds(Date.now() - beganAt)}.`);

    hold = await holdLake(bucket, sfn);
    const heldAt = Date.now();
    // Survey again for objects written in the meantime: nobody else writes now.
    const seen = await takeOut(work, await survey(work));
    await hold.release();
    hold = null;
    screen.rest();
    screen.say(`Erased in ${seconds(Date.now() - heldAt)}; no run could start in that time.`);

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
    // A survey of everything finishes the unfinished commands of earlier calls, too.
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
