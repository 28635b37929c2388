import { AthenaClient } from '@aws-sdk/client-athena';
import { CloudFormationClient } from '@aws-sdk/client-cloudformation';
import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { SFNClient } from '@aws-sdk/client-sfn';
import { STSClient } from '@aws-sdk/client-sts';
import { account, region } from './workspace';

/** How the clients reach the services. The SDK's own provider chain finds what is left out. */
export interface Connection {
  endpoint?: string;
  region?: string;
  credentials?: { accessKeyId: string; secretAccessKey: string };
  /** Puts the bucket in the path instead of the host name: a server on 127.0.0.1 has no subdomains. */
  forcePathStyle: boolean;
}

/** The settings that every client accepts; only S3's has `forcePathStyle`. */
export const clientConfig = ({ endpoint, region, credentials }: Connection) => ({
  ...(endpoint === undefined ? {} : { endpoint }),
  ...(region === undefined ? {} : { region }),
  ...(credentials === undefined ? {} : { credentials }),
});

/** Connects to the embedded cloud at `url` as its root. */
export const embedded = (url: string, rootSecret: string): Connection => ({
  endpoint: url,
  region,
  credentials: { accessKeyId: account, secretAccessKey: rootSecret },
  forcePathStyle: true,
});

/**
 * Connects to the account that the ordinary AWS credential chain finds. The SDK reads `AWS_ENDPOINT_URL` itself. It
 * does not read AWS_DEFAULT_REGION, so this does, as the AWS CLI would.
 */
export function fromEnvironment(env: NodeJS.ProcessEnv): Connection {
  const region = env.AWS_REGION || env.AWS_DEFAULT_REGION;
  return {
    ...(region ? { region } : {}),
    forcePathStyle: Boolean(env.AWS_ENDPOINT_URL || env.AWS_ENDPOINT_URL_S3),
  };
}

/** The command line's AWS clients for one lake, with the user's own credentials. */
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
