import * as glue from 'aws-cdk-lib/aws-glue';
import { Aws } from 'aws-cdk-lib';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { candidates, datasets, dayProjection, s3Uri, tables } from '../../../workflows/datasets';
import type { Column, Dataset } from '../../../workflows/datasets';
import { arn } from '../../arns';
import type { EnvironmentName } from '../../config';
import { databaseName, type RoleName } from '../../naming';
import { allow } from '../security/grants';
import type { LakeRoles } from '../security/lake-roles';

export interface LakeCatalogProps {
  readonly environment: EnvironmentName;
  readonly bucket: s3.IBucket;
  readonly roles: LakeRoles;
  /** Days for which invalid records are kept, and that their table covers. */
  readonly quarantineDays: number;
  /** Days for which rows of executions are kept, and that their table covers; null for ever. */
  readonly auditDays: number | null;
}

const formats: Record<
  Dataset['format'],
  { input: string; output: string; serde: string; classification: string }
> = {
  // Hive's readers recognize gzip by the suffix .gz.
  'ndjson.gz': json(),
  ndjson: json(),
  parquet: {
    input: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetInputFormat',
    output: 'org.apache.hadoop.hive.ql.io.parquet.MapredParquetOutputFormat',
    serde: 'org.apache.hadoop.hive.ql.io.parquet.serde.ParquetHiveSerDe',
    classification: 'parquet',
  },
};

function json() {
  return {
    input: 'org.apache.hadoop.mapred.TextInputFormat',
    output: 'org.apache.hadoop.hive.ql.io.HiveIgnoreKeyTextOutputFormat',
    serde: 'org.openx.data.jsonserde.JsonSerDe',
    classification: 'json',
  };
}

/** Actions that Athena needs on behalf of its caller. */
const querying = [
  'glue:GetDatabase',
  'glue:GetTable',
  'glue:GetPartition',
  'glue:GetPartitions',
  'glue:BatchGetPartition',
];

/** Crawlers and analysts also list tables. */
const reading = [...querying, 'glue:GetTables'];

/** The database and its tables, as `workflows/datasets.json` declares them. */
export class LakeCatalog extends Construct {
  /** Name of the database. */
  readonly database: string;

  constructor(scope: Construct, id: string, props: LakeCatalogProps) {
    super(scope, id);
    const name = databaseName(props.environment);
    const created = new glue.CfnDatabase(this, 'Database', {
      catalogId: Aws.ACCOUNT_ID,
      databaseName: name,
      databaseInput: { name, description: 'Tweets, their labels and their sentiment' },
    });
    this.database = created.ref;
    // No crawler for these: an invalid record, or an execution, must be visible in its table at once.
    const projected = new Map([
      [datasets.quarantine, dayProjection(datasets.quarantine, props.quarantineDays)],
      [datasets.executions, dayProjection(datasets.executions, props.auditDays)],
    ]);
    for (const [table, dataset] of Object.entries(tables)) {
      new glue.CfnTable(this, table, {
        catalogId: Aws.ACCOUNT_ID,
        databaseName: created.ref,
        tableInput: tableInput(
          table,
          dataset,
          s3Uri(props.bucket.bucketName, dataset.prefix),
          projected.get(dataset) ?? {},
        ),
      });
    }
    this.openTo(props.roles);
  }

  private openTo({ byName }: LakeRoles): void {
    const open = (
      role: RoleName,
      actions: string[],
      names: string[],
      verb = actions.includes('glue:GetTable') ? 'Reads' : 'Changes',
    ) => ({
      id: `${role}${verb}Catalog`,
      role: byName[role],
      permission: { actions, resources: this.arns(names) },
    });
    const all = Object.keys(tables);
    const grants = [
      open('DataProcessingRole', reading, ['raw_tweets', 'tweets']),
      open(
        'DataProcessingRole',
        // UpdateTable is the crawler's: it writes its statistics into the table's parameters.
        [
          'glue:CreatePartition',
          'glue:BatchCreatePartition',
          'glue:UpdatePartition',
          'glue:BatchUpdatePartition',
          'glue:UpdateTable',
        ],
        ['raw_tweets', 'tweets'],
      ),
      // Expired days are dropped from every table that contains them.
      open(
        'DataProcessingRole',
        ['glue:GetPartitions'],
        ['scored', candidates.table],
        'LooksThrough',
      ),
      open(
        'DataProcessingRole',
        ['glue:BatchDeletePartition'],
        ['raw_tweets', 'tweets', 'scored', candidates.table],
        'Ends',
      ),
      open('AnalyticsRole', reading, all),
      open('RunReporterRole', querying, ['tweets', 'scored', candidates.table]),
      open('RunReporterRole', ['glue:BatchCreatePartition'], [candidates.table]),
      open('ModelOperatorRole', querying, ['tweets', 'scored']),
      open('ModelOperatorRole', ['glue:BatchCreatePartition'], ['scored']),
    ];
    for (const { id, role, permission } of grants) allow(this, id, role, [permission]);
  }

  /** Glue checks permissions for the catalog, the database and the table in each call. */
  private arns(names: readonly string[]): string[] {
    return [
      arn('glue', 'catalog'),
      arn('glue', `database/${this.database}`),
      ...names.map((name) => arn('glue', `table/${this.database}/${name}`)),
    ];
  }
}

function tableInput(
  name: string,
  dataset: Dataset,
  location: string,
  parameters: Record<string, string>,
): glue.CfnTable.TableInputProperty {
  const { input, output, serde, classification } = formats[dataset.format];
  return {
    name,
    description: dataset.comment,
    tableType: 'EXTERNAL_TABLE',
    parameters: { classification, EXTERNAL: 'TRUE', ...parameters },
    partitionKeys: dataset.partitions.map(columnOf),
    storageDescriptor: {
      columns: dataset.columns.map(columnOf),
      location,
      inputFormat: input,
      outputFormat: output,
      compressed: dataset.format !== 'ndjson',
      serdeInfo: { serializationLibrary: serde, parameters: { 'serialization.format': '1' } },
    },
  };
}

const columnOf = ({ name, type, comment }: Column) => ({ name, type, comment });

/** The table that the crawler updates. */
export const crawledTable = 'raw_tweets' satisfies keyof typeof datasets;
