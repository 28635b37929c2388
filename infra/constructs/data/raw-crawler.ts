import * as glue from 'aws-cdk-lib/aws-glue';
import type * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { arn } from '../../arns';
import type { EnvironmentName } from '../../config';
import { lakeName } from '../../naming';
import type { DataResources } from '../../data-resources';
import { allow } from '../security/grants';
import { crawledTable } from './lake-catalog';

export interface RawCrawlerProps {
  readonly environment: EnvironmentName;
  readonly lake: DataResources;
  /** Name of the Glue security configuration. */
  readonly security: string;
  /** The role that starts and polls the crawler. */
  readonly starter: iam.IRole;
}

/** The crawler that registers the days of raw-data/ as partitions. It does not change the table's declaration. */
export class RawCrawler extends Construct {
  readonly name: string;

  constructor(
    scope: Construct,
    id: string,
    { environment, lake, security, starter }: RawCrawlerProps,
  ) {
    super(scope, id);
    const role = lake.roles.DataProcessingRole;
    const crawler = new glue.CfnCrawler(this, 'Crawler', {
      name: lakeName(environment, 'raw'),
      role: role.roleArn,
      targets: { catalogTargets: [{ databaseName: lake.database, tables: [crawledTable] }] },
      // The columns are declared, so the crawler may only log differences. A catalog target allows no other
      // DeleteBehavior.
      schemaChangePolicy: { updateBehavior: 'LOG', deleteBehavior: 'LOG' },
      configuration: JSON.stringify({
        Version: 1,
        CrawlerOutput: { Partitions: { AddOrUpdateBehavior: 'InheritFromTable' } },
        // Otherwise the crawler would create separate tables for days with different content.
        Grouping: { TableGroupingPolicy: 'CombineCompatibleSchemas' },
      }),
      crawlerSecurityConfiguration: security,
    });
    this.name = crawler.ref;
    allow(this, 'Start', starter, [
      {
        actions: ['glue:StartCrawler', 'glue:GetCrawler'],
        resources: [arn('glue', `crawler/${this.name}`)],
      },
      {
        // To count the days. Glue checks permissions for the catalog, the database and the table.
        actions: ['glue:GetPartitions'],
        resources: [
          'catalog',
          `database/${lake.database}`,
          `table/${lake.database}/${crawledTable}`,
        ].map((resource) => arn('glue', resource)),
      },
    ]);
  }
}
