import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { StepError } from '../../workflows/errors';
import type { Clock } from '../shared/clock';

/** How long a running Lambda goes on with a token that was replaced. */
export const KEEP_MS = 5 * 60 * 1000;

/** X's bearer token: read at run time, held in memory for a few minutes, never logged. */
export interface BearerToken {
  /** Where it lies, for messages. */
  readonly secretArn: string;
  read(): Promise<string>;
  /** Makes the next read ask Secrets Manager again, after X refused the token. */
  forget(): void;
}

export function bearerToken(
  client: SecretsManagerClient,
  secretArn: string,
  clock: Clock,
): BearerToken {
  let kept: { token: string; until: number } | null = null;
  return {
    secretArn,
    forget: () => {
      kept = null;
    },
    read: async () => {
      const now = clock.now().valueOf();
      if (kept && kept.until > now) {
        return kept.token;
      }
      const { SecretString } = await client.send(
        new GetSecretValueCommand({ SecretId: secretArn }),
      );
      const token = (SecretString ?? '').trim();
      if (token === '') {
        throw new StepError(
          'XAuthenticationFailed',
          `The secret ${secretArn} is empty. ${howToSetToken(secretArn)}`,
        );
      }
      kept = { token, until: now + KEEP_MS };
      return token;
    },
  };
}

export const howToSetToken = (secretArn: string): string =>
  `Put X's bearer token into it: aws secretsmanager put-secret-value --secret-id ${secretArn} ` +
  '--secret-string file://token.txt; then redrive this execution.';
