import { rowsOf, hasSucceeded, startQuery } from '../../functions/lake/athena';
import type { AthenaContext } from '../../functions/lake/athena';
import { setPartitions } from '../../functions/lake/catalog';
import type { Catalog } from '../../functions/lake/catalog';
import type { LakeBucket } from '../../functions/lake/objects';
import { parametersOf } from '../../functions/lake/published';
import { renderedCatalog } from '../../queries/catalog';
import { eachWithLake } from './support/each-with-lake';
import { put } from './support/launcher';
import { cleanTweet, tweetsParquet } from './support/tweets-parquet';

/* Days that a release without the columns `hashtags` and `mentions` published, beside one of this release. */
let lake: LakeBucket;
let catalog: Catalog;
let athena: AthenaContext;

eachWithLake(async (fresh, launcher) => {
  lake = fresh;
  catalog = await launcher.catalog(lake);
  athena = await launcher.warehouse(lake, catalog);
});

async function publish(day: string, file: Uint8Array): Promise<void> {
  const folder = `cleaned-data/tweets/dt=${day}/run=v/`;
  await put(lake, `${folder}part-0.parquet`, file);
  const parameters = parametersOf({ version: 'v', rows: 1, fingerprint: 'f', replaced: null });
  const location = `s3://${lake.bucket}/${folder}`;
  await setPartitions(catalog, 'tweets', [{ values: [day], location, parameters }]);
}

async function answer(name: string, values: Record<string, string | number>) {
  const query = renderedCatalog().find((one) => one.name === name);
  if (!query) throw new Error(`there is no ${name}`);
  const days = { from_day: '2026-11-22', to_day: '2026-11-23', languages: 'en' };
  const id = await startQuery(athena, query, { ...days, ...values }, [name]);
  while (!(await hasSucceeded(athena, id))) await new Promise((done) => setTimeout(done, 100));
  return rowsOf(athena, id, 100);
}

test('the questions read both; hashtags of the older day come from its text', async () => {
  const older = cleanTweet('1', { text: 'tea with @bob #Tea', tokens: ['tea', 'with'] });
  const newer = cleanTweet('2', {
    text: 'tea with @ada #Tea #Été',
    tokens: ['tea', 'with'],
    hashtags: ['tea', 'été'],
    mentions: ['ada'],
  });
  await publish('2026-11-22', await tweetsParquet([older], ['hashtags', 'mentions']));
  await publish('2026-11-23', await tweetsParquet([newer]));

  const terms = await answer('rising_terms', { since: '2026-11-23', at_least: 1, top: 9 });
  const mentions = await answer('top_mentions', { top: 9 });

  expect(
    terms.map(({ kind, term, tweets_now, tweets_before }) => [
      kind,
      term,
      tweets_now,
      tweets_before,
    ]),
  ).toEqual([
    ['hashtag', '#été', '1', '0'],
    ['hashtag', '#tea', '1', '1'],
    ['word', 'tea', '1', '1'],
    ['word', 'with', '1', '1'],
  ]);
  expect(mentions).toEqual([
    { sentiment: 'positive', place: '1', mention: 'ada', tweets: '1', share: '0.5', authors: '1' },
  ]);
});
