import { AthenaClient } from '@aws-sdk/client-athena';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { STSClient } from '@aws-sdk/client-sts';
import { account, region } from './workspace';

/** How the clients reach the services; what is left out is for the SDK's own chain to find. */
export interface Connection {
  endpoint?: string;
  region?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
  /** Buckets in the path and not in the host name: a server on 127.0.0.1 has no subdomains. */
  forcePathStyle: boolean;
}

/** What every client takes; S3's alone knows paths and host names. */
export const clientConfig = ({ endpoint, region, credentials }: Connection) => ({
  ...(endpoint === undefined ? {} : { endpoint }),
  ...(region === undefined ? {} : { region }),
  ...(credentials === undefined ? {} : { credentials }),
});

/** The embedded cloud at an address, as its root. */
export const embedded = (url: string, rootSecret: string): Connection => ({
  endpoint: url,
  region,
  credentials: { accessKeyId: account, secretAccessKey: rootSecret },
  forcePathStyle: true,
});

/**
 * The account that the ordinary AWS credential chain leads to. `AWS_ENDPOINT_URL` is for the SDK to read, as in any
 * program; AWS_DEFAULT_REGION, which it does not know, means what it does to the AWS CLI.
 */
export function fromEnvironment(env: NodeJS.ProcessEnv): Connection {
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION;
  return {
    ...(region ? { region } : {}),
    forcePathStyle: Boolean(env.AWS_ENDPOINT_URL || env.AWS_ENDPOINT_URL_S3),
  };
}

/** The AWS clients of the command line, all pointed at one lake, under the person's own name. */
export function clientsFor({ forcePathStyle, ...config }: Connection) {
  return {
    athena: new AthenaClient(config),
    cloudFormation: new CloudFormationClient(config),
    s3: new S3Client({ ...config, forcePathStyle }),
    sageMaker: new SageMakerClient(config),
    sageMakerRuntime: new SageMakerRuntimeClient(config),
    secrets: new SecretsManagerClient(config),
    sfn: new SFNClient(config),
    sts: new STSClient(config),
  };
}

export type Clients = ReturnType<typeof clientsFor>;
