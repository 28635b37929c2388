import { GlueClient } from '@aws-sdk/client-glue';
import { StepError } from '../workflows/errors';
import { PublishDataOutput, StepInput } from '../workflows/payloads';
import { environments, readEnvironment } from './environment';
import { followTable, setPartition } from './lake/catalog';
import type { Catalog } from './lake/catalog';
import { TWEETS_TABLE, parametersOf, publishedDays } from './lake/published';
import { onFirstCall, step } from './step';

/** Points each checked day's partition at its new version: readers see the old day or the new one, whole. */
export const publishData = ({ catalog }: { catalog: Catalog }) =>
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
      const before = new Map((await publishedDays(catalog)).map((day) => [day.date, day]));
      const published = [];
      for (const { date, version, rows, location, fingerprint } of clean.days) {
        const old = before.get(date);
        // Published by a call whose answer was lost: what it replaced is in its own parameters.
        const replaced = (old?.version === version ? old.replaced : old?.version) ?? null;
        await setPartition(catalog, TWEETS_TABLE, {
          values: [date],
          location,
          parameters: parametersOf({ version, rows, fingerprint, replaced }),
        });
        published.push({ date, version, rows, replaced });
      }
      // Days that were published before a deployment changed the table are read with its columns from now on.
      await followTable(catalog, TWEETS_TABLE);
      return { status: 'DONE', published };
    },
  );

export const handler = onFirstCall(() => {
  const { DATABASE } = readEnvironment(environments['publish-data']);
  return publishData({ catalog: { glue: new GlueClient({}), database: DATABASE } });
});
