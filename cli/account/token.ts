import { DescribeSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import type { Settings } from '../../infra/config';
import { dollars } from '../costs/money';
import type { Session } from '../../session/session';
import { shortened } from '../../session/visible';

/** X's smallest page of recent search. */
const postsAsked = 10;
/** Bearer tokens have about 110 characters; the stack's generated placeholder has 32, with punctuation. */
const shortestToken = 50;
const longestAnswer = 160;
const tokenShape = /^[A-Za-z0-9%._~+/=:-]+$/;

export const tokenCheckCost = ({ x }: Pick<Settings, 'x'>): string =>
  `${dollars(postsAsked * x.usdPerPost)} at most (one page of ${postsAsked} posts)`;

export const howToStore = (session: Pick<Session, 'outputs'>): string =>
  `aws secretsmanager put-secret-value --secret-id ${session.outputs.TokenSecretArn} --secret-string file://token.txt`;

/** The reason why a text cannot be a bearer token; null when it can. */
export function shapeProblem(text: string): string | null {
  const token = text.trim();
  if (token === '') return 'is empty';
  if (!tokenShape.test(token))
    return "is not a bearer token; it looks like the deployment's random placeholder";
  if (token.length < shortestToken)
    return `has ${token.length} characters: X's bearer tokens have about 110`;
  return null;
}

/**
 * Whether somebody stored a token after the deployment created the secret. The secret's versions tell this; only the
 * ingest and root may read the value.
 */
export async function wasTokenStored({
  clients,
  outputs,
}: Pick<Session, 'clients' | 'outputs'>): Promise<boolean> {
  const { VersionIdsToStages = {} } = await clients.secrets.send(
    new DescribeSecretCommand({ SecretId: outputs.TokenSecretArn }),
  );
  return Object.keys(VersionIdsToStages).length > 1;
}

/** Reads the stored token to check its shape; never print it. The secret's policy lets no person but root read it. */
export async function storedToken({
  clients,
  outputs,
}: Pick<Session, 'clients' | 'outputs'>): Promise<string> {
  const { SecretString } = await clients.secrets.send(
    new GetSecretValueCommand({ SecretId: outputs.TokenSecretArn }),
  );
  return SecretString ?? '';
}

/** Requests one page from X, which costs `tokenCheckCost`. Returns X's error, or null when X accepts the token. */
export async function refusalOfX(
  token: string,
  { x }: Pick<Settings, 'x'>,
): Promise<string | null> {
  const url = new URL('tweets/search/recent', x.apiBaseUrl);
  url.searchParams.set('query', `${x.queries[0]?.keywords?.[0] ?? 'hello'} -is:retweet`);
  url.searchParams.set('max_results', String(postsAsked));
  const response = await fetch(url, {
    headers: { authorization: `Bearer ${token.trim()}` },
    signal: AbortSignal.timeout(30_000),
  });
  if (response.ok) return null;
  // The text is from an external server, so it is shortened.
  return shortened(
    `${response.status} ${response.statusText}: ${await response.text()}`,
    longestAnswer,
  );
}
