import * as athena from 'aws-cdk-lib/aws-athena';
import type * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { renderedCatalog } from '../../../queries/catalog';
import { resultPrefixes, s3Uri } from '../../../workflows/datasets';
import { arn } from '../../arns';
import type { EnvironmentName, Settings } from '../../config';
import { lakeName } from '../../naming';
import type { DataResources } from '../../data-resources';
import { allow } from '../security/grants';

export interface AnalyticsProps {
  readonly environment: EnvironmentName;
  readonly settings: Settings;
  readonly lake: DataResources;
}

/**
 * Two Athena workgroups, because a workgroup sets where results go: the pipeline's, with the checks of `queries/` as
 * named queries, and the analysts', with the saved queries for people.
 */
export class Analytics extends Construct {
  /** Name of the workgroup of checks and scoring. */
  readonly workGroup: string;

  /** Name of the workgroup of people. */
  readonly analystsWorkGroup: string;

  constructor(
    scope: Construct,
    id: string,
    private readonly props: AnalyticsProps,
  ) {
    super(scope, id);
    const { environment, lake } = props;
    this.workGroup = this.createWorkGroup(
      'WorkGroup',
      lakeName(environment),
      'Checks and scoring of the pipeline',
      resultPrefixes.runs,
    );
    this.analystsWorkGroup = this.createWorkGroup(
      'AnalystsWorkGroup',
      lakeName(environment, 'analysts'),
      'Queries of analysts',
      resultPrefixes.analysts,
    );
    for (const { name, kind, title, sql } of renderedCatalog()) {
      new athena.CfnNamedQuery(this, name, {
        name,
        description: `${kind === 'check' ? 'Check' : 'Question'}: ${title}`,
        database: lake.database,
        queryString: sql,
        // By reference, so that the workgroup is created first.
        workGroup: kind === 'check' ? this.workGroup : this.analystsWorkGroup,
      });
    }
    const { RunReporterRole, ModelOperatorRole, AnalyticsRole } = lake.roles;
    this.letAsk(RunReporterRole, this.workGroup);
    this.letAsk(ModelOperatorRole, this.workGroup);
    // Analysts may stop their queries; the pipeline never stops one.
    this.letAsk(AnalyticsRole, this.analystsWorkGroup, ['athena:StopQueryExecution']);
  }

  private createWorkGroup(id: string, name: string, description: string, results: string): string {
    const { settings, lake } = this.props;
    const workGroup = new athena.CfnWorkGroup(this, id, {
      name,
      description,
      // Query history and saved queries are deleted with the stack.
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        // Ignore a client's own settings, such as another result location or no encryption.
        enforceWorkGroupConfiguration: true,
        engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
        publishCloudWatchMetricsEnabled: true,
        bytesScannedCutoffPerQuery: settings.athenaScanLimitBytes,
        resultConfiguration: {
          outputLocation: s3Uri(lake.bucket.bucketName, results),
          encryptionConfiguration: { encryptionOption: 'SSE_KMS', kmsKey: lake.key.keyArn },
        },
      },
    });
    return workGroup.ref;
  }

  private letAsk(role: iam.IRole, workGroup: string, more: readonly string[] = []): void {
    allow(this, `${role.node.id}Asks`, role, [
      {
        actions: [
          'athena:StartQueryExecution',
          'athena:GetQueryExecution',
          'athena:GetQueryResults',
          ...more,
        ],
        resources: [arn('athena', `workgroup/${workGroup}`)],
      },
    ]);
  }
}
