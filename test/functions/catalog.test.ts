import { GetPartitionsCommand, GetTableCommand, UpdateTableCommand } from '@aws-sdk/client-glue';
import {
  addPartitions,
  followTable,
  listPartitions,
  setPartitions,
} from '../../functions/lake/catalog';
import type { Catalog } from '../../functions/lake/catalog';
import { Launcher } from './support/launcher';

let launcher: Launcher;
let catalog: Catalog;

beforeAll(async () => {
  launcher = await Launcher.start();
  catalog = await launcher.catalog(await launcher.lake());
});

afterAll(() => launcher.stop());

/** What a deployment does whose datasets.json has one more column. */
async function addColumn(table: string): Promise<void> {
  const { glue, database } = catalog;
  const { Table } = await glue.send(new GetTableCommand({ DatabaseName: database, Name: table }));
  const { Name, PartitionKeys, StorageDescriptor } = Table ?? {};
  await glue.send(
    new UpdateTableCommand({
      DatabaseName: database,
      TableInput: {
        Name,
        PartitionKeys,
        StorageDescriptor: {
          ...StorageDescriptor,
          Columns: [...(StorageDescriptor?.Columns ?? []), { Name: 'added', Type: 'bigint' }],
        },
      },
    }),
  );
}

async function lastColumns(table: string): Promise<(string | undefined)[]> {
  const { Partitions = [] } = await catalog.glue.send(
    new GetPartitionsCommand({ DatabaseName: catalog.database, TableName: table }),
  );
  return Partitions.map(({ StorageDescriptor }) => StorageDescriptor?.Columns?.at(-1)?.Name);
}

test('partitions of before a deployment take on the table\u2019s columns, and keep all else', async () => {
  const old = {
    values: ['2026-01-01'],
    location: 's3://lake/a/',
    parameters: { version: 'v1', rows: '3' },
  };
  await setPartitions(catalog, 'tweets', [old]);
  await addColumn('tweets');
  await addPartitions(catalog, 'tweets', [{ values: ['2026-01-02'], location: 's3://lake/b/' }]);
  expect(await lastColumns('tweets')).not.toEqual(['added', 'added']);

  const changed = await followTable(catalog, 'tweets');

  expect(changed).toBe(1);
  expect(await lastColumns('tweets')).toEqual(['added', 'added']);
  expect(await listPartitions(catalog, 'tweets')).toContainEqual(old);
  expect(await followTable(catalog, 'tweets')).toBe(0);
});
