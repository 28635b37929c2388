import {
  BatchCreatePartitionCommand,
  DeletePartitionCommand,
  GetTableCommand,
  paginateGetPartitions,
} from '@aws-sdk/client-glue';
import type { GlueClient, Table } from '@aws-sdk/client-glue';
import type { S3Client } from '@aws-sdk/client-s3';
import { listKeys, parseS3Uri } from '../objects';

/** The most that BatchCreatePartition accepts. */
const BATCH = 100;

export interface Changes {
  readonly added: number;
  readonly deleted: number;
}

/** Partition folders below a table's location: the values in key order, and the folder's path. */
export function partitionFolders(
  keys: readonly string[],
  tablePrefix: string,
  partitionKeys: readonly string[],
): Map<string, string[]> {
  const folders = new Map<string, string[]>();
  for (const key of keys) {
    const segments = key.slice(tablePrefix.length).split('/').slice(0, -1);
    const values = valuesOf(segments, partitionKeys);
    // Names that begin with _ or . are writers' temporary files. Spark and Athena ignore them, too.
    const hidden = key
      .slice(tablePrefix.length)
      .split('/')
      .some((part) => /^[_.]/.test(part));
    if (values && !hidden) folders.set(`${segments.slice(0, values.length).join('/')}/`, values);
  }
  return folders;
}

function valuesOf(
  segments: readonly string[],
  partitionKeys: readonly string[],
): string[] | undefined {
  const values: string[] = [];
  for (const [i, name] of partitionKeys.entries()) {
    const [key, value] = segments[i]?.split(/=(.*)/s) ?? [];
    if (key !== name || value === undefined) return undefined;
    values.push(decoded(value));
  }
  return values;
}

/** A folder's decoded value. An invalid encoding stays as it is, so that it does not end the crawl. */
function decoded(value: string): string {
  try {
    return decodeURIComponent(value);
  } catch {
    return value;
  }
}

/**
 * Registers a partition for each folder with objects. New partitions inherit the table's columns and format.
 * Partitions without objects are deleted only if the crawler's policy says so.
 */
export async function syncPartitions(
  glue: GlueClient,
  s3: S3Client,
  database: string,
  name: string,
  deleteMissing: boolean,
): Promise<Changes> {
  const { Table: table } = await glue.send(
    new GetTableCommand({ DatabaseName: database, Name: name }),
  );
  const location = locationOf(table);
  const partitionKeys = (table?.PartitionKeys ?? []).flatMap((key) => (key.Name ? [key.Name] : []));
  const keys = await listKeys(s3, location);
  if (partitionKeys.length === 0) return { added: 0, deleted: 0 };
  const found = partitionFolders(keys, location.key, partitionKeys);

  const known = await knownPartitions(glue, database, name);
  const fresh = [...found].filter(([, values]) => !known.has(JSON.stringify(values)));
  for (let i = 0; i < fresh.length; i += BATCH) {
    const PartitionInputList = fresh.slice(i, i + BATCH).map(([folder, values]) => ({
      Values: values,
      StorageDescriptor: {
        ...table?.StorageDescriptor,
        Location: `s3://${location.bucket}/${location.key}${folder}`,
      },
    }));
    const { Errors = [] } = await glue.send(
      new BatchCreatePartitionCommand({
        DatabaseName: database,
        TableName: name,
        PartitionInputList,
      }),
    );
    // AlreadyExistsException: another client registered it in the meantime, so it is there.
    const failed = Errors.find(
      (error) => error.ErrorDetail?.ErrorCode !== 'AlreadyExistsException',
    );
    if (failed)
      throw new Error(
        `partition ${failed.PartitionValues?.join('/')} of ${name}: ${failed.ErrorDetail?.ErrorMessage}`,
      );
  }

  const present = new Set([...found.values()].map((values) => JSON.stringify(values)));
  const gone = deleteMissing ? [...known].filter((values) => !present.has(values)) : [];
  for (const values of gone) {
    await glue.send(
      new DeletePartitionCommand({
        DatabaseName: database,
        TableName: name,
        PartitionValues: JSON.parse(values),
      }),
    );
  }
  return { added: fresh.length, deleted: gone.length };
}

function locationOf(table: Table | undefined) {
  const uri = table?.StorageDescriptor?.Location;
  if (!uri) throw new Error(`table ${table?.Name} has no location to crawl`);
  return parseS3Uri(uri.endsWith('/') ? uri : `${uri}/`);
}

/** The values of all registered partitions, each as a JSON string. */
async function knownPartitions(
  glue: GlueClient,
  database: string,
  name: string,
): Promise<Set<string>> {
  const known = new Set<string>();
  for await (const result of paginateGetPartitions(
    { client: glue },
    { DatabaseName: database, TableName: name },
  )) {
    for (const partition of result.Partitions ?? [])
      known.add(JSON.stringify(partition.Values ?? []));
  }
  return known;
}
