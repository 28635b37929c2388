import { AthenaClient } from '@aws-sdk/client-athena';
import { GlueClient } from '@aws-sdk/client-glue';
import { KinesisClient } from '@aws-sdk/client-kinesis';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { AssumeRoleCommand, type STSClient } from '@aws-sdk/client-sts';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import type { EnvironmentName } from '../infra/config';
import { forceGranterRole, lakeName, type forgetterRoleName, type RoleName } from '../infra/naming';
import type { Connection } from './clients';
import type { Outputs } from './stack';
import { UserError } from './user-error';

/** Clients with the roles that people assume. The bucket denies people access under their own identity. */
export interface People {
  /** Runs queries, reads the reports of runs, and watches the stream. */
  analyst: { athena: AthenaClient; s3: S3Client; kinesis: KinesisClient };
  /** Uploads human labels, corpora, and people's own tweets. */
  labeller: { s3: S3Client };
  /** Lets one execution promote a model that failed the gate. */
  forceGranter: { secrets: SecretsManagerClient };
  /** Erases tweets from the lake, including old object versions. */
  forgetter: { s3: S3Client; glue: GlueClient; secrets: SecretsManagerClient };
}

/** One hour, a role's default maximum. The SDK renews the credentials before they expire. */
const sessionSeconds = 3600;

/** `arn:aws:iam::<account>:role/<name>`, in the partition and account of the deployed pipeline. */
export function roleArn(
  { StateMachineArn }: Outputs,
  environment: EnvironmentName,
  role: RoleName | typeof forgetterRoleName | typeof forceGranterRole,
): string {
  const [, partition, , , account] = StateMachineArn.split(':');
  return `arn:${partition}:iam::${account}:role/${lakeName(environment, role)}`;
}

/** A credential provider for the SDK that assumes a role. Throws UserError when the user may not assume it. */
const assumed = (sts: STSClient, RoleArn: string) => async () => {
  try {
    const { Credentials } = await sts.send(
      new AssumeRoleCommand({
        RoleArn,
        RoleSessionName: 'lake-command-line',
        DurationSeconds: sessionSeconds,
      }),
    );
    const { AccessKeyId, SecretAccessKey, SessionToken, Expiration } = Credentials ?? {};
    if (!AccessKeyId || !SecretAccessKey)
      throw new Error(`STS returned no credentials for ${RoleArn}`);
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      expiration: Expiration,
    };
  } catch (error) {
    if (error instanceof Error && error.name.startsWith('AccessDenied')) {
      throw new UserError(
        `You may not assume ${RoleArn}, and the lake's bucket denies access without it. ` +
          `Add your ARN to the role's list in \`people\` in infra/config.ts, and allow yourself sts:AssumeRole in IAM. (${error.message})`,
      );
    }
    throw error;
  }
};

/** The clients of all roles. Each role is assumed at its first use. */
export function peopleOf(
  { forcePathStyle, ...config }: Connection,
  sts: STSClient,
  outputs: Outputs,
  environment: EnvironmentName,
): People {
  const as = (role: Parameters<typeof roleArn>[2]) => ({
    ...config,
    credentials: assumed(sts, roleArn(outputs, environment, role)),
  });
  const analyst = as('AnalyticsRole');
  const forgetter = as('ForgetterRole');
  return {
    analyst: {
      athena: new AthenaClient(analyst),
      s3: new S3Client({ ...analyst, forcePathStyle }),
      // HTTP/1.1: the client's own default is HTTP/2, which fails against a plain-http endpoint.
      kinesis: new KinesisClient({ ...analyst, requestHandler: new NodeHttpHandler() }),
    },
    labeller: { s3: new S3Client({ ...as('LabellerRole'), forcePathStyle }) },
    forceGranter: { secrets: new SecretsManagerClient(as(forceGranterRole)) },
    forgetter: {
      s3: new S3Client({ ...forgetter, forcePathStyle }),
      glue: new GlueClient(forgetter),
      secrets: new SecretsManagerClient(forgetter),
    },
  };
}
