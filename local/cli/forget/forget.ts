import {
  Forgotten,
  FORGOTTEN_KEY,
  readForgotten,
  withIds,
} from '../../../functions/lake/forgotten';
import { putJsonIf, type Lake as Bucket } from '../../../functions/lake/objects';
import { datasets, leaseKeys, prefixes } from '../../../workflows/datasets';
import type { Lake } from '../../cloud/lake';
import type { Session } from '../../cloud/session';
import { UserError } from '../../cloud/user-error';
import { describeFailure } from '../run/failure';
import { startRun } from '../run/launch';
import { archived } from '../run/archived';
import type { Screen } from '../screen';
import {
  allowToShrink,
  publishedPartitions,
  removeVersions,
  thatReadersSee,
  versionsThatHold,
  type HoldingVersion,
} from './cleaned';
import { holdLake } from './hold';
import type { Wanted } from './ids';
import { removeLocalCopies } from './local-copies';
import { markModels } from './models';
import { ForgetRecord, places } from './record';
import {
  audit,
  Finder,
  imported,
  labels,
  nothingFound,
  parked,
  plan,
  quarantined,
  rawPage,
  verdicts,
} from './rewrites';
import { forEachOf, nothing, scrubBelow, type Rewrite, type Scrubbing, type Tally } from './scrub';
import { deleteAllVersions, versionsBelow } from './versions';

/** Not of tweets: who holds the lake, and the list of what is forgotten. */
const OWN_KEYS = new Set([FORGOTTEN_KEY, ...Object.values(leaseKeys)]);
const isOfTweets = (key: string): boolean => !OWN_KEYS.has(key);
// Each lost race means that another forget wrote in between, which the hold excludes.
const MAX_RACES = 3;

interface Work extends Scrubbing {
  session: Session;
  screen: Screen;
  record: ForgetRecord;
  finder: Finder;
}

/** Puts ids on the list of what must not come back; answers the list as it then is. */
async function remember(
  lake: Bucket,
  ids: { tweets: Iterable<string>; authors: Iterable<string> },
): Promise<Forgotten> {
  for (let race = 0; race < MAX_RACES; race += 1) {
    const { list, etag } = await readForgotten(lake);
    const grown = withIds(list, ids);
    if (grown === list || (await putJsonIf(lake, FORGOTTEN_KEY, grown, { ifMatch: etag })) !== null)
      return new Forgotten(grown);
  }
  throw new UserError(`${FORGOTTEN_KEY} was changed by somebody else: run the same command again.`);
}

/** Looks through what lies in the lake, without changing it: the tweets of the authors, and their texts. */
async function survey({ lake }: Work, finder: Finder): Promise<HoldingVersion[]> {
  const look = async (prefix: string, rewrite: Rewrite) => {
    const lookOnly: Scrubbing = { lake, mustHold: () => undefined };
    await scrubBelow(
      lookOnly,
      prefix,
      async (bytes, key) => {
        await rewrite(bytes, key);
        return null;
      },
      isOfTweets,
    );
  };
  await look(datasets.raw_tweets.prefix, rawPage(finder));
  await look(prefixes.parked, parked(finder));
  await look(prefixes.imports, imported(finder));
  await look(prefixes.plans, plan(finder));
  await look(datasets.quarantine.prefix, quarantined(finder));
  return (await versionsThatHold(lake, finder)).versions;
}

/** Label objects that hold a label of one of the texts, as they are now. */
async function labelObjectsOf({ lake }: Work, texts: ReadonlySet<string>): Promise<string[]> {
  const keys: string[] = [];
  await scrubBelow(
    { lake, mustHold: () => undefined },
    datasets.labels.prefix,
    async (bytes, key) => {
      if ((await labels(texts)(bytes, key)) !== null) keys.push(key);
      return null;
    },
  );
  return keys;
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
async function takeOut(work: Work, wanted: Wanted): Promise<HoldingVersion[]> {
  const { lake, record, screen, session } = work;
  screen.live('Looking for what is to be forgotten');
  let finder = new Finder(await remember(lake, wanted));
  const holding = await survey(work, finder);
  // An author's tweets are known by their own ids from now on: verdicts carry no author.
  finder = new Finder(
    await remember(lake, { tweets: finder.found.tweets, authors: [] }),
    finder.found,
  );
  work.finder = finder;

  screen.live('Forgetting');
  record.models = await markModels(
    work,
    holding,
    await labelObjectsOf(work, finder.found.texts),
    new Date(),
  );
  await record.add(
    'labels',
    await scrubBelow(work, datasets.labels.prefix, labels(finder.found.texts)),
  );
  await record.add('scored', await scrubBelow(work, datasets.scored.prefix, verdicts(finder)));
  await record.add(
    'quarantine',
    await scrubBelow(work, datasets.quarantine.prefix, quarantined(finder)),
  );
  await record.add('imports', await scrubBelow(work, prefixes.imports, imported(finder)));
  await record.add('parked', await scrubBelow(work, prefixes.parked, parked(finder)));
  await record.add('plans', await scrubBelow(work, prefixes.plans, plan(finder), isOfTweets));
  await record.add('audit', await scrubBelow(work, prefixes.audit, audit(finder)));
  await record.add('query-results', await removeQueryResults(work));
  await record.add('evaluations', await removePages(work));

  // Before the raw rows go: from then on a run of anybody's may publish the days anew.
  const catalog = { glue: session.people.forgetter.glue, database: session.outputs.DatabaseName };
  const partitions = await publishedPartitions(catalog);
  const seen = thatReadersSee(holding, partitions);
  for (const { date, rows } of seen) {
    const partition = partitions.get(date);
    work.mustHold();
    if (partition) await allowToShrink(catalog, partition, rows);
  }
  await record.add(
    'raw-tweets',
    await scrubBelow(work, datasets.raw_tweets.prefix, rawPage(finder)),
  );
  await record.add(
    'cleaned-tweets',
    await removeVersions(
      work,
      holding.filter((version) => !seen.includes(version)),
    ),
  );
  return seen;
}

/** Has the days cleaned and published without the forgotten rows. Throws UserError when that does not succeed. */
async function publishAnew(
  lake: Lake,
  { session, screen }: Work,
  days: readonly string[],
): Promise<void> {
  const run = await startRun(lake, session, screen, {
    mode: 'replay',
    from: days.at(0),
    to: days.at(-1),
    stream: false,
  });
  await archived(session, run);
  if (run.status === 'SUCCEEDED') return;
  for (const line of describeFailure(run, session.environment)) screen.say(line);
  throw new UserError(
    `${days.join(', ')} still show what is to be forgotten, because ${run.name} failed. Mend the cause, then run the same command again.`,
  );
}

/** What readers no longer see since the days were published anew. */
async function takeOutReplaced(work: Work): Promise<void> {
  const { lake, record, session, finder } = work;
  const { versions, unreadable } = await versionsThatHold(lake, finder);
  const catalog = { glue: session.people.forgetter.glue, database: session.outputs.DatabaseName };
  const seen = thatReadersSee(versions, await publishedPartitions(catalog));
  await record.add('cleaned-tweets', {
    ...(await removeVersions(
      work,
      versions.filter((version) => !seen.includes(version)),
    )),
    unreadable,
  });
  await record.add('query-results', await removeQueryResults(work));
  await record.add('audit', await scrubBelow(work, prefixes.audit, audit(finder)));
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
    `${record.unreadable.length} objects cannot be read, and may still hold something. Look at them, delete them if need be, and run the same command again:`,
  );
  for (const key of record.unreadable) screen.say(`  ${key}`);
  return 1;
}

/**
 * Takes tweets and all that is known of them out of the lake, old versions of objects included. Killed anywhere, the
 * same command ends what it began. Throws UserError while a run or an ingest is at work.
 */
export async function forget(
  lake: Lake,
  session: Session,
  screen: Screen,
  wanted: Wanted,
): Promise<number> {
  const bucket: Bucket = { s3: session.people.forgetter.s3, bucket: session.outputs.BucketName };
  const asked = { tweets: wanted.tweets.length, authors: wanted.authors.length };
  const record = new ForgetRecord(bucket, new Date(), asked);
  const { sfn } = session.clients;
  let hold = await holdLake(bucket, sfn);
  const finder = new Finder(new Forgotten((await readForgotten(bucket)).list), nothingFound());
  const work: Work = {
    lake: bucket,
    session,
    screen,
    record,
    finder,
    mustHold: () => (lake.signal.throwIfAborted(), hold.mustHold()),
  };
  try {
    const seen = await takeOut(work, wanted);
    if (seen.length > 0) {
      record.days = seen.map(({ date }) => date).sort();
      screen.rest();
      await hold.release();
      await publishAnew(lake, work, record.days);
      hold = await holdLake(bucket, sfn);
    }
    await takeOutReplaced(work);
    await removeLocalCopies(lake, work.finder);
    await record.write(new Date());
  } finally {
    screen.rest();
    await hold.release();
  }
  return report(screen, record);
}
