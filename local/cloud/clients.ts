import { AthenaClient } from '@aws-sdk/client-athena';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { account, region } from './lake';

/** The AWS clients of the command line, all pointed at one lake. */
export function clientsFor(url: string) {
  const config = {
    endpoint: url,
    region,
    credentials: { accessKeyId: account, secretAccessKey: 'local' },
  };
  return {
    athena: new AthenaClient(config),
    cloudFormation: new CloudFormationClient(config),
    s3: new S3Client({ ...config, forcePathStyle: true }),
    sageMakerRuntime: new SageMakerRuntimeClient(config),
    secrets: new SecretsManagerClient(config),
    sfn: new SFNClient(config),
  };
}

export type Clients = ReturnType<typeof clientsFor>;
