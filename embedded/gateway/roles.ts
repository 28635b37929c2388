import { GlueClient } from '@aws-sdk/client-glue';
import { S3Client } from '@aws-sdk/client-s3';
import type { Iam, RoleCredentials, ServiceSession } from './identity';
import { LauncherHandler } from './launcher';
import { ACCOUNT, REGION } from './options';
import type { LauncherAddress } from './options';

/** A role that a service has assumed for one job. Its clients call the launcher, which enforces the role's policies. */
export class AssumedRole {
  private current: RoleCredentials | undefined;

  constructor(
    private readonly iam: Iam,
    private readonly launcher: LauncherAddress,
    private readonly session: ServiceSession,
  ) {}

  /** Current credentials, renewed five minutes before they expire. Throws when the role may not be assumed. */
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

  /** Environment variables with which a child process's AWS SDK acts as this role through `gatewayUrl`. */
  async environment(gatewayUrl: string): Promise<Record<string, string>> {
    const { accessKeyId, secretAccessKey, sessionToken } = await this.credentials();
    return {
      AWS_ENDPOINT_URL: gatewayUrl,
      AWS_REGION: REGION,
      AWS_DEFAULT_REGION: REGION,
      AWS_ACCESS_KEY_ID: accessKeyId,
      AWS_SECRET_ACCESS_KEY: secretAccessKey,
      AWS_SESSION_TOKEN: sessionToken,
      // Without this, an SDK without credentials would call the metadata service, outside this machine.
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

/** The ARN of a role. Glue also accepts a role's name where other services want its ARN. */
export function roleArn(nameOrArn: string): string {
  return nameOrArn.startsWith('arn:') ? nameOrArn : `arn:aws:iam::${ACCOUNT}:role/${nameOrArn}`;
}
