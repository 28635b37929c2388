import { AthenaClient } from '@aws-sdk/client-athena';
import { GlueClient } from '@aws-sdk/client-glue';
import { S3Client } from '@aws-sdk/client-s3';
import { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { AssumeRoleCommand, type STSClient } from '@aws-sdk/client-sts';
import type { EnvironmentName } from '../infra/config';
import { forceGranterRole, lakeName, type forgetterRoleName, type RoleName } from '../infra/naming';
import type { Connection } from './clients';
import type { Outputs } from './stack';
import { UserError } from './user-error';

/** Clients under the roles that people take on: the bucket refuses them under their own names. */
export interface People {
  /** Asks questions, and reads what the lake says about its runs. */
  analyst: { athena: AthenaClient; s3: S3Client };
  /** Puts human labels, corpora, and tweets that people own. */
  labeller: { s3: S3Client };
  /** Lets one execution promote what the gate refuses. */
  forceGranter: { secrets: SecretsManagerClient };
  /** Takes tweets out of the lake, old versions included. */
  forgetter: { s3: S3Client; glue: GlueClient; secrets: SecretsManagerClient };
}

/** An hour, the most that a role gives by default; the SDK asks again before it is over. */
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

/** A credential provider, as the SDK takes it. Throws UserError when the person may not assume the role. */
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
    if (!AccessKeyId || !SecretAccessKey) throw new Error(`STS gave no credentials for ${RoleArn}`);
    return {
      accessKeyId: AccessKeyId,
      secretAccessKey: SecretAccessKey,
      sessionToken: SessionToken,
      expiration: Expiration,
    };
  } catch (error) {
    if (error instanceof Error && error.name.startsWith('AccessDenied')) {
      throw new UserError(
        `You may not assume ${RoleArn}, and the lake's bucket refuses people under their own names. ` +
          `Who may is said by people in infra/config.ts and by sts:AssumeRole of IAM. (${error.message})`,
      );
    }
    throw error;
  }
};

/** The clients of the roles; a role is assumed when it is first needed. */
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
