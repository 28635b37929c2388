import { GlueClient } from '@aws-sdk/client-glue';
import { S3Client } from '@aws-sdk/client-s3';
import type { Iam, RoleCredentials, ServiceSession } from './identity';
import { LauncherHandler } from './launcher';
import { ACCOUNT, REGION } from './options';
import type { LauncherAddress } from './options';

/** A role that a service has taken on for one job; its clients talk to the launcher, which enforces its policies. */
export class AssumedRole {
  private current: RoleCredentials | undefined;

  constructor(
    private readonly iam: Iam,
    private readonly launcher: LauncherAddress,
    private readonly session: ServiceSession,
  ) {}

  /** Current credentials, renewed five minutes before they end. Throws when the role may not be assumed. */
  readonly credentials = async (): Promise<RoleCredentials> => {
    const soon = Date.now() + 5 * 60_000;
    if (!this.current || this.current.expiration.getTime() < soon) {
      this.current = await this.iam.credentials(this.session);
    }
    return this.current;
  };

  s3(): S3Client {
    return new S3Client({
      ...this.client(),
      forcePathStyle: true,
      requestChecksumCalculation: 'WHEN_REQUIRED',
    });
  }

  glue(): GlueClient {
    return new GlueClient(this.client());
  }

  /** What the AWS SDKs in a child process need to act as this role through `gatewayUrl`. */
  async environment(gatewayUrl: string): Promise<Record<string, string>> {
    const { accessKeyId, secretAccessKey, sessionToken } = await this.credentials();
    return {
      AWS_ENDPOINT_URL: gatewayUrl,
      AWS_REGION: REGION,
      AWS_DEFAULT_REGION: REGION,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
      // Without this an SDK that finds no credentials asks a host outside this machine.
      AWS_EC2_METADATA_DISABLED: 'true',
    };
  }

  private client() {
    return {
      endpoint: this.launcher.url,
      region: REGION,
      credentials: this.credentials,
      requestHandler: new LauncherHandler(this.launcher.token),
    };
  }
}

/** Glue takes a role's name where others want its ARN. */
export function roleArn(nameOrArn: string): string {
  return nameOrArn.startsWith('arn:') ? nameOrArn : `arn:aws:iam::${ACCOUNT}:role/${nameOrArn}`;
}
