import * as athena from 'aws-cdk-lib/aws-athena';
import { Construct } from 'constructs';
import { renderedCatalog } from '../../queries/catalog';
import { prefixes, s3Uri } from '../../workflows/datasets';
import { arn } from '../arns';
import type { EnvironmentName, Settings } from '../config';
import { lakeName } from '../naming';
import type { Lake } from '../stacks/data-stack';
import { allow } from './grants';

export interface AnalyticsProps {
  readonly environment: EnvironmentName;
  readonly settings: Settings;
  readonly lake: Lake;
}

/** The Athena workgroup, and every query of `queries/` by name in it. */
export class Analytics extends Construct {
  /** Name of the workgroup. */
  readonly workGroup: string;

  constructor(scope: Construct, id: string, { environment, settings, lake }: AnalyticsProps) {
    super(scope, id);
    const workGroup = new athena.CfnWorkGroup(this, 'WorkGroup', {
      name: lakeName(environment),
      description: 'Checks of the pipeline and questions of its analysts',
      // History and saved queries go with the stack.
      recursiveDeleteOption: true,
      workGroupConfiguration: {
        // What a client asks for (another place, no encryption) is ignored.
        enforceWorkGroupConfiguration: true,
        engineVersion: { selectedEngineVersion: 'Athena engine version 3' },
        publishCloudWatchMetricsEnabled: true,
        bytesScannedCutoffPerQuery: settings.athenaScanLimitBytes,
        resultConfiguration: {
          outputLocation: s3Uri(lake.bucket.bucketName, prefixes.queryResults),
          encryptionConfiguration: { encryptionOption: 'SSE_KMS', kmsKey: lake.key.keyArn },
        },
      },
    });
    this.workGroup = workGroup.ref;
    for (const { name, kind, title, sql } of renderedCatalog()) {
      new athena.CfnNamedQuery(this, name, {
        name,
        description: `${kind === 'check' ? 'Check' : 'Question'}: ${title}`,
        database: lake.database,
        queryString: sql,
        // By reference: the workgroup comes first.
        workGroup: this.workGroup,
      });
    }
    for (const role of [lake.roles.AnalyticsRole, lake.roles.ModelOperatorRole]) {
      allow(this, `${role.node.id}Asks`, role, [
        {
          actions: [
            'athena:StartQueryExecution',
            'athena:GetQueryExecution',
            'athena:GetQueryResults',
            // Analysts stop what they asked; the pipeline never does.
            ...(role === lake.roles.AnalyticsRole ? ['athena:StopQueryExecution'] : []),
          ],
          resources: [arn('athena', `workgroup/${this.workGroup}`)],
        },
      ]);
    }
  }
}
