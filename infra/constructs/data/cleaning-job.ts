import * as glue from 'aws-cdk-lib/aws-glue';
import { Asset } from 'aws-cdk-lib/aws-s3-assets';
import { Construct } from 'constructs';
import { arn } from '../../arns';
import type { EnvironmentName, Settings } from '../../config';
import { lakeName } from '../../naming';
import { copyInto, inRepository, withScratchFolder } from '../../repository';
import { sparkPackages } from '../../spark-packages';
import type { DataResources } from '../../data-resources';
import { allow } from '../security/grants';

export interface CleaningJobProps {
  readonly environment: EnvironmentName;
  readonly settings: Settings['glue'];
  readonly lake: DataResources;
  /** Name of the Glue security configuration. */
  readonly security: string;
}

/** The Spark job of `etl/`. */
export class CleaningJob extends Construct {
  readonly name: string;

  constructor(scope: Construct, id: string, props: CleaningJobProps) {
    super(scope, id);
    const { environment, settings, lake, security } = props;
    const role = lake.roles.DataProcessingRole;
    const script = new Asset(this, 'Script', { path: inRepository('etl', 'clean_tweets.py') });
    const modules = this.modules();
    const job = new glue.CfnJob(this, 'Job', {
      name: lakeName(environment, 'clean'),
      description: 'Reads the raw pages of some days and writes a new snapshot of each day',
      role: role.roleArn,
      glueVersion: '6.0',
      command: { name: 'glueetl', pythonVersion: '3', scriptLocation: script.s3ObjectUrl },
      workerType: settings.workerType,
      numberOfWorkers: settings.workers,
      timeout: settings.timeoutMinutes,
      // The step retries with a new run and logs it; a retry by Glue would be invisible.
      maxRetries: 0,
      executionProperty: { maxConcurrentRuns: 1 },
      securityConfiguration: security,
      defaultArguments: {
        '--extra-py-files': modules.s3ObjectUrl,
        '--enable-metrics': 'true',
        '--enable-continuous-cloudwatch-log': 'true',
        // Bookmarks would skip objects that were read before, but each run needs a complete day.
        '--job-bookmark-option': 'job-bookmark-disable',
      },
    });
    this.name = job.ref;
    allow(this, 'Use', role, [
      {
        actions: ['glue:StartJobRun', 'glue:GetJobRun', 'glue:GetJobRuns'],
        resources: [arn('glue', `job/${this.name}`)],
      },
      {
        actions: ['s3:GetObject'],
        resources: [script, modules].map((asset) => asset.bucket.arnForObjects(asset.s3ObjectKey)),
      },
      {
        actions: ['cloudwatch:PutMetricData'],
        resources: ['*'],
        conditions: { StringEquals: { 'cloudwatch:namespace': 'Glue' } },
        wildcard:
          "PutMetricData supports no resources; the condition allows only Glue's own namespace",
      },
    ]);
  }

  /** The package `etl` with the catalog of data sets, and the packages it imports that Glue does not have. */
  private modules(): Asset {
    return withScratchFolder((folder) => {
      copyInto(folder, 'etl');
      copyInto(folder, 'workflows/datasets.json', 'etl/datasets.json');
      copyInto(folder, sparkPackages(), '.');
      return new Asset(this, 'Modules', { path: folder });
    });
  }
}
