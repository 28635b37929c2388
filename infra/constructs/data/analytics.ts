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
 * Two Athena workgroups, since a workgroup says where results go: the pipeline's with the checks of `queries/` by name in
 * it, and the analysts' with the questions.
 */
export class Analytics extends Construct {
  /** Name of the workgroup that checks and scoring ask in. */
  readonly workGroup: string;

  /** Name of the workgroup that people ask in. */
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
      'Questions of analysts',
      resultPrefixes.analysts,
    );
    for (const { name, kind, title, sql } of renderedCatalog()) {
      new athena.CfnNamedQuery(this, name, {
        name,
        description: `${kind === 'check' ? 'Check' : 'Question'}: ${title}`,
        database: lake.database,
        queryString: sql,
        // By reference: the workgroup comes first.
        workGroup: kind === 'check' ? this.workGroup : this.analystsWorkGroup,
      });
    }
    const { RunReporterRole, ModelOperatorRole, AnalyticsRole } = lake.roles;
    this.letAsk(RunReporterRole, this.workGroup);
    this.letAsk(ModelOperatorRole, this.workGroup);
    // Analysts stop what they asked; the pipeline never does.
    this.letAsk(AnalyticsRole, this.analystsWorkGroup, ['athena:StopQueryExecution']);
  }

  private createWorkGroup(id: string, name: string, description: string, results: string): string {
    const { settings, lake } = this.props;
    const workGroup = new athena.CfnWorkGroup(this, id, {
      name,
      description,
      // History and saved queries go with the stack.
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        // What a client asks for (another place, no encryption) is ignored.
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
