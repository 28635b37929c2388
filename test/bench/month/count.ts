/*
 * What the running lake of LAKE_HOME keeps, as JSON on stdout. A process of its own, because it must have the lake's
 * clock.
 */
import { GlueClient, paginateGetPartitions, paginateGetTables } from '@aws-sdk/client-glue';
import { ListObjectVersionsCommand } from '@aws-sdk/client-s3';
import {
  paginateListEndpointConfigs,
  paginateListModels,
  paginateListTrainingJobs,
  paginateListTransformJobs,
} from '@aws-sdk/client-sagemaker';
import { resolve } from 'node:path';
import { listExecutions } from '../../../cli/run/launch';
import { openSession, type LocalSession } from '../../../embedded/cloud/session';
import { clientConfig } from '../../../session/clients';
import type { Kept, Objects } from './kept';

/** Two folders of a key; `raw-data/plans/pages` apart, and all models together. */
function prefixOf(key: string): string {
  if (/^model-outputs\/sl-/.test(key)) return 'model-outputs/sl-…';
  if (key.startsWith('raw-data/plans/pages/')) return 'raw-data/plans/pages';
  return key.split('/').slice(0, -1).slice(0, 2).join('/');
}

async function objectsOf({ clients, outputs }: LocalSession): Promise<Record<string, Objects>> {
  const found: Record<string, Objects> = {};
  let place: { KeyMarker?: string; VersionIdMarker?: string } = {};
  for (;;) {
    const page = await clients.s3.send(
      new ListObjectVersionsCommand({ Bucket: outputs.BucketName, ...place }),
    );
    for (const { Key = '', IsLatest = false, Size = 0 } of page.Versions ?? []) {
      const at = (found[prefixOf(Key)] ??= { current: 0, bytes: 0, old: 0, oldBytes: 0 });
      at[IsLatest ? 'current' : 'old'] += 1;
      at[IsLatest ? 'bytes' : 'oldBytes'] += Size;
    }
    for (const { Key = '' } of page.DeleteMarkers ?? [])
      (found[prefixOf(Key)] ??= { current: 0, bytes: 0, old: 0, oldBytes: 0 }).old += 1;
    if (page.IsTruncated !== true) return found;
    place = { KeyMarker: page.NextKeyMarker, VersionIdMarker: page.NextVersionIdMarker };
  }
}

async function partitionsOf({ connection, outputs }: LocalSession) {
  const glue = new GlueClient(clientConfig(connection));
  const counts: Record<string, number> = {};
  for await (const { TableList = [] } of paginateGetTables(
    { client: glue },
    { DatabaseName: outputs.DatabaseName },
  )) {
    for (const { Name = '', PartitionKeys = [] } of TableList) {
      if (PartitionKeys.length === 0) continue;
      counts[Name] = 0;
      const table = { DatabaseName: outputs.DatabaseName, TableName: Name };
      for await (const { Partitions = [] } of paginateGetPartitions({ client: glue }, table))
        counts[Name] += Partitions.length;
    }
  }
  return counts;
}

async function sumOf<Page>(pages: AsyncIterable<Page>, sizeOf: (page: Page) => number | undefined) {
  let sum = 0;
  for await (const page of pages) sum += sizeOf(page) ?? 0;
  return sum;
}

async function main(): Promise<void> {
  const root = resolve(__dirname, '../../..');
  const home = process.env['LAKE_HOME'] ?? '';
  const port = Number(process.env['LAKE_PORT']);
  const { signal } = new AbortController();
  const session = await openSession(
    { root, home, port, env: process.env, signal },
    {
      ...{ command: 'lake', mayShareRun: true, asItIs: true },
      ...{ say: () => undefined, progress: () => undefined },
    },
  );
  try {
    const { sageMaker: client } = session.clients;
    const kept: Kept = {
      objects: await objectsOf(session),
      partitions: await partitionsOf(session),
      executions: (await listExecutions(session)).length,
      models: await sumOf(paginateListModels({ client }, {}), (page) => page.Models?.length),
      configs: await sumOf(
        paginateListEndpointConfigs({ client }, {}),
        (page) => page.EndpointConfigs?.length,
      ),
      trainingJobs: await sumOf(
        paginateListTrainingJobs({ client }, {}),
        (page) => page.TrainingJobSummaries?.length,
      ),
      transformJobs: await sumOf(
        paginateListTransformJobs({ client }, {}),
        (page) => page.TransformJobSummaries?.length,
      ),
    };
    process.stdout.write(`${JSON.stringify(kept)}\n`);
  } finally {
    await session.close();
  }
}

void main();
