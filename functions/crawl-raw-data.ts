import { GetCrawlerCommand, GlueClient, StartCrawlerCommand } from '@aws-sdk/client-glue';
import { StepError } from '../workflows/errors';
import { CrawlRawDataOutput, StepInput } from '../workflows/payloads';
import { aws } from './shared/aws';
import { systemClock } from './shared/clock';
import type { Clock } from './shared/clock';
import { readEnvironment } from './settings/environment';
import { listPartitions } from './lake/catalog';
import type { Catalog } from './lake/catalog';
import { onFirstCall, step } from './shared/step';

// StartCrawler returns before the crawler's state changes; after this time it never started.
const BEGINS_WITHIN_MS = 10 * 60 * 1000;

interface Dependencies {
  catalog: Catalog;
  crawler: string;
  clock: Clock;
}

/** Runs the crawler, which registers new raw days in the catalog. Throws `CrawlFailed` and `CrawlerBusy`. */
export const crawlRawData = ({ catalog, crawler, clock }: Dependencies) =>
  step(
    StepInput,
    CrawlRawDataOutput,
    async ({ attempt, state: { crawl } }): Promise<CrawlRawDataOutput> => {
      if (crawl.status === 'DONE') {
        return crawl;
      }
      if (crawl.status !== 'RUNNING' || crawl.attempt !== attempt) {
        // Whole seconds, because the crawler reports its start time that way.
        const requestedAt = new Date(Math.floor(clock.now().valueOf() / 1000) * 1000).toISOString();
        await start(catalog, crawler);
        return { status: 'RUNNING', attempt, requestedAt };
      }
      if (!(await hasEnded(catalog, crawler, crawl.requestedAt, clock))) {
        return crawl;
      }
      const seconds = (clock.now().valueOf() - Date.parse(crawl.requestedAt)) / 1000;
      return {
        status: 'DONE',
        seconds,
        partitions: (await listPartitions(catalog, 'raw_tweets')).length,
      };
    },
  );

/** A running crawl may already have passed the newest days, so wait for it and then start ours. */
async function start({ glue }: Catalog, crawler: string): Promise<void> {
  try {
    await glue.send(new StartCrawlerCommand({ Name: crawler }));
  } catch (error) {
    if (error instanceof Error && error.name === 'CrawlerRunningException') {
      throw new StepError(
        'CrawlerBusy',
        `The crawler ${crawler} is still busy with another crawl.`,
        { cause: error },
      );
    }
    throw error;
  }
}

/** Whether our crawl has succeeded. The state READY is not enough; the last crawl's status and start time decide. */
async function hasEnded(
  { glue }: Catalog,
  crawler: string,
  requestedAt: string,
  clock: Clock,
): Promise<boolean> {
  const { Crawler } = await glue.send(new GetCrawlerCommand({ Name: crawler }));
  const last = Crawler?.LastCrawl;
  if (Crawler?.State === 'RUNNING' || Crawler?.State === 'STOPPING') {
    return false;
  }
  if (!last?.StartTime || last.StartTime.valueOf() < Date.parse(requestedAt)) {
    if (clock.now().valueOf() - Date.parse(requestedAt) > BEGINS_WITHIN_MS) {
      throw new StepError(
        'CrawlFailed',
        `The crawler ${crawler} was requested at ${requestedAt} and never started.`,
      );
    }
    return false;
  }
  if (last.Status !== 'SUCCEEDED') {
    throw new StepError(
      'CrawlFailed',
      `The crawl of ${crawler} that began at ${last.StartTime.toISOString()} ended as ${last.Status ?? 'nothing known'}: ` +
        `${last.ErrorMessage ?? 'no message'}. Its log: ${last.LogGroup ?? ''} ${last.LogStream ?? ''}`,
    );
  }
  return true;
}

export const handler = onFirstCall(() => {
  const { DATABASE, CRAWLER } = readEnvironment('crawl-raw-data');
  return crawlRawData({
    catalog: { glue: aws(GlueClient), database: DATABASE },
    crawler: CRAWLER,
    clock: systemClock,
  });
});
