import { isDeepStrictEqual } from 'node:util';
import {
  BatchCreatePartitionCommand,
  CreatePartitionCommand,
  GetPartitionsCommand,
  GetTableCommand,
  UpdatePartitionCommand,
} from '@aws-sdk/client-glue';
import type { GlueClient, PartitionInput, StorageDescriptor } from '@aws-sdk/client-glue';
import { StepError } from '../../workflows/errors';
import { inParallel } from '../shared/in-parallel';

/** The lake's database in the Glue catalog. */
export interface Catalog {
  glue: GlueClient;
  database: string;
}

export interface Partition {
  values: string[];
  location: string;
  parameters: Record<string, string>;
}

/** BatchCreatePartition accepts a hundred partitions per call. */
const MAX_BATCH = 100;
/** Sequential calls for the 1,000 days of a long replay would exceed the Lambda's two minutes. */
const SET_AT_A_TIME = 8;

/** Every partition of a table, without its columns: they equal the table's and would fill the response. */
export async function listPartitions(
  { glue, database }: Catalog,
  table: string,
): Promise<Partition[]> {
  const partitions: Partition[] = [];
  let token: string | undefined;
  do {
    const page = await glue.send(
      new GetPartitionsCommand({
        DatabaseName: database,
        TableName: table,
        ExcludeColumnSchema: true,
        NextToken: token,
      }),
    );
    for (const { Values = [], StorageDescriptor, Parameters = {} } of page.Partitions ?? []) {
      partitions.push({
        values: Values,
        location: StorageDescriptor?.Location ?? '',
        parameters: Parameters,
      });
    }
    token = page.NextToken;
  } while (token !== undefined);
  return partitions;
}

/** Adds partitions with the table's columns and format; existing ones stay unchanged. */
export async function addPartitions(
  catalog: Catalog,
  table: string,
  partitions: readonly Pick<Partition, 'values' | 'location'>[],
): Promise<void> {
  const descriptor = await tableDescriptor(catalog, table);
  for (let start = 0; start < partitions.length; start += MAX_BATCH) {
    const { Errors = [] } = await catalog.glue.send(
      new BatchCreatePartitionCommand({
        DatabaseName: catalog.database,
        TableName: table,
        PartitionInputList: partitions
          .slice(start, start + MAX_BATCH)
          .map((partition) => inputOf({ ...partition, parameters: {} }, descriptor)),
      }),
    );
    const [failed] = Errors.filter(
      ({ ErrorDetail }) => ErrorDetail?.ErrorCode !== 'AlreadyExistsException',
    );
    if (failed) {
      throw new StepError(
        'PublishFailed',
        `Partition ${failed.PartitionValues?.join('/')} of ${catalog.database}.${table} was refused: ` +
          `${failed.ErrorDetail?.ErrorCode}: ${failed.ErrorDetail?.ErrorMessage}`,
      );
    }
  }
}

/** Creates or updates partitions: location and parameters. */
export async function setPartitions(
  catalog: Catalog,
  table: string,
  partitions: readonly Partition[],
): Promise<void> {
  const descriptor = await tableDescriptor(catalog, table);
  await inParallel(SET_AT_A_TIME, partitions, (partition) =>
    setPartition(catalog, table, partition.values, inputOf(partition, descriptor)),
  );
}

async function setPartition(
  { glue, database }: Catalog,
  table: string,
  values: string[],
  PartitionInput: PartitionInput,
): Promise<void> {
  const at = { DatabaseName: database, TableName: table };
  try {
    await glue.send(new CreatePartitionCommand({ ...at, PartitionInput }));
  } catch (error) {
    if (!(error instanceof Error && error.name === 'AlreadyExistsException')) {
      throw error;
    }
    await glue.send(
      new UpdatePartitionCommand({ ...at, PartitionValueList: values, PartitionInput }),
    );
  }
}

/**
 * Updates partitions to the table's current columns and format. A partition copies them when it is created, and a
 * deployment changes only the table. Returns the number of updated partitions.
 */
export async function followTable(catalog: Catalog, table: string): Promise<number> {
  const { glue, database } = catalog;
  const { Columns, InputFormat, OutputFormat, SerdeInfo } = await tableDescriptor(catalog, table);
  const shape = { Columns, InputFormat, OutputFormat, SerdeInfo };
  const at = { DatabaseName: database, TableName: table };
  let changed = 0;
  let token: string | undefined;
  do {
    const page = await glue.send(new GetPartitionsCommand({ ...at, NextToken: token }));
    const others = (page.Partitions ?? []).filter(
      ({ StorageDescriptor }) => !isDeepStrictEqual(columnsOf(StorageDescriptor), columnsOf(shape)),
    );
    await inParallel(SET_AT_A_TIME, others, ({ Values, StorageDescriptor, Parameters }) => {
      const PartitionInput = {
        Values,
        StorageDescriptor: { ...StorageDescriptor, ...shape },
        Parameters,
      };
      return glue.send(
        new UpdatePartitionCommand({ ...at, PartitionValueList: Values, PartitionInput }),
      );
    });
    changed += others.length;
    token = page.NextToken;
  } while (token !== undefined);
  return changed;
}

const columnsOf = (descriptor: StorageDescriptor | undefined): string[] =>
  (descriptor?.Columns ?? []).map(({ Name, Type }) => `${Name} ${Type}`);

async function tableDescriptor(
  { glue, database }: Catalog,
  table: string,
): Promise<StorageDescriptor> {
  const { Table } = await glue.send(new GetTableCommand({ DatabaseName: database, Name: table }));
  if (!Table?.StorageDescriptor) {
    throw new StepError(
      'PublishFailed',
      `The table ${database}.${table} has no storage descriptor. Deploy the stacks again.`,
    );
  }
  return Table.StorageDescriptor;
}

// With other columns than the table's, a partition fails when it is read (HIVE_PARTITION_SCHEMA_MISMATCH).
const inputOf = (
  { values, location, parameters }: Partition,
  table: StorageDescriptor,
): PartitionInput => ({
  Values: values,
  StorageDescriptor: { ...table, Location: location },
  Parameters: parameters,
});
