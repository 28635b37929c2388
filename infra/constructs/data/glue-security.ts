import * as glue from 'aws-cdk-lib/aws-glue';
import { Construct } from 'constructs';
import { arn } from '../../arns';
import type { EnvironmentName } from '../../config';
import { lakeName } from '../../naming';
import type { DataResources } from '../../data-resources';
import { allow } from '../security/grants';

export interface GlueSecurityProps {
  readonly environment: EnvironmentName;
  readonly lake: DataResources;
}

/** Encrypts the objects and logs of the crawler and the job with the lake's key. */
export class GlueSecurity extends Construct {
  readonly name: string;

  constructor(scope: Construct, id: string, { environment, lake }: GlueSecurityProps) {
    super(scope, id);
    const { keyArn } = lake.key;
    this.name = new glue.CfnSecurityConfiguration(this, 'Configuration', {
      name: lakeName(environment),
      encryptionConfiguration: {
        s3Encryptions: [{ s3EncryptionMode: 'SSE-KMS', kmsKeyArn: keyArn }],
        cloudWatchEncryption: { cloudWatchEncryptionMode: 'SSE-KMS', kmsKeyArn: keyArn },
        jobBookmarksEncryption: { jobBookmarksEncryptionMode: 'CSE-KMS', kmsKeyArn: keyArn },
      },
    }).ref;
    allow(this, 'Use', lake.roles.DataProcessingRole, [
      {
        // Read when a crawl or a job run starts.
        actions: ['glue:GetSecurityConfiguration'],
        resources: ['*'],
        wildcard:
          'Glue supports no resource for a security configuration; reading one changes nothing',
      },
      {
        // Glue creates its log groups itself, named after the security configuration.
        actions: [
          'logs:CreateLogGroup',
          'logs:CreateLogStream',
          'logs:PutLogEvents',
          'logs:AssociateKmsKey',
        ],
        resources: [arn('logs', 'log-group:/aws-glue/*')],
        wildcard:
          'Glue names its log groups itself, after job, crawler and security configuration; all of them are below /aws-glue/',
      },
    ]);
  }
}
