import { GlueClient } from '@aws-sdk/client-glue';
import { S3Client } from '@aws-sdk/client-s3';
import { StepError } from '../workflows/errors';
import { PublishDataOutput, StepInput } from '../workflows/payloads';
import { aws } from './shared/aws';
import { systemClock } from './shared/clock';
import type { Clock } from './shared/clock';
import { readEnvironment } from './settings/environment';
import { followTable, setPartitions } from './lake/catalog';
import type { Catalog } from './lake/catalog';
import { readDayList } from './lake/day-lists';
import type { LakeBucket } from './lake/objects';
import { TWEETS_TABLE, parametersOf, publishedDays } from './lake/published';
import { endWhatIsOld } from './lake/retention';
import type { KeepDays } from './lake/retention';
import { onFirstCall, step } from './shared/step';

/** Time limit for deleting expired data; the next run deletes the rest. */
const ENDING_MS = 60_000;

interface Dependencies {
  lake: LakeBucket;
  catalog: Catalog;
  clock: Clock;
  keepDays: KeepDays;
}

/**
 * Points each checked day's partition at its new snapshot: readers see the old or the new one, always complete. Then
 * deletes expired data.
 */
export const publishData = ({ lake, catalog, clock, keepDays }: Dependencies) =>
  step(
    StepInput,
    PublishDataOutput,
    async ({ state: { clean, check } }): Promise<PublishDataOutput> => {
      if (clean.status !== 'DONE' || check.status !== 'DONE') {
        throw new StepError(
          'PublishFailed',
          `Nothing to publish: cleaning is ${clean.status}, the checks are ${check.status}`,
        );
      }
      const now = clock.now();
      const before = new Map((await publishedDays(catalog)).map((day) => [day.date, day]));
      const cleaned = await readDayList(lake, 'cleaned', clean.days);
      const days = cleaned.map(({ date, version, rows, location, fingerprint }) => {
        const old = before.get(date);
        // A call whose response was lost already published it; its partition's parameters say what it replaced.
        const isOurs = old?.version === version;
        const replaced = (isOurs ? old.replaced : old?.version) ?? null;
        const publishedAt = (isOurs ? old.publishedAt : null) ?? now.toISOString();
        return {
          rows,
          replaced,
          partition: {
            values: [date],
            location,
            parameters: parametersOf({ version, rows, fingerprint, replaced, publishedAt }),
          },
        };
      });
      await setPartitions(
        catalog,
        TWEETS_TABLE,
        days.map(({ partition }) => partition),
      );
      // Update older partitions to the table's current columns.
      await followTable(catalog, TWEETS_TABLE);
      const until = now.valueOf() + ENDING_MS;
      const ended = await endWhatIsOld(
        { lake, catalog, now, isLate: () => clock.now().valueOf() > until },
        keepDays,
      );
      const published = {
        days: days.length,
        rows: days.reduce((sum, { rows }) => sum + rows, 0),
        replaced: days.filter(({ replaced }) => replaced !== null).length,
      };
      return { status: 'DONE', published, ended };
    },
  );

export const handler = onFirstCall(() => {
  const { BUCKET, DATABASE, SETTINGS } = readEnvironment('publish-data');
  return publishData({
    lake: { s3: aws(S3Client), bucket: BUCKET },
    catalog: { glue: aws(GlueClient), database: DATABASE },
    clock: systemClock,
    keepDays: SETTINGS.keepDays,
  });
});
