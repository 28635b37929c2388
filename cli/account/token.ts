import { DescribeSecretCommand, GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import type { Settings } from '../../infra/config';
import { dollars } from '../costs/money';
import type { Session } from '../../session/session';
import { shortened } from '../../session/visible';

/** A page of recent search has ten posts at least. */
const postsAsked = 10;
/** Bearer tokens have about 110 characters; the text the stack generates has 32, with punctuation. */
const shortestToken = 50;
const longestAnswer = 160;
const tokenShape = /^[A-Za-z0-9%._~+/=:-]+$/;

export const tokenCheckCost = ({ x }: Pick<Settings, 'x'>): string =>
  `${dollars(postsAsked * x.usdPerPost)} at most (one page of ${postsAsked} posts)`;

export const howToStore = (session: Pick<Session, 'outputs'>): string =>
  `aws secretsmanager put-secret-value --secret-id ${session.outputs.TokenSecretArn} --secret-string file://token.txt`;

/** What is wrong with a text as a bearer token; null when it may be one. */
export function shapeProblem(text: string): string | null {
  const token = text.trim();
  if (token === '') return 'is empty';
  if (!tokenShape.test(token))
    return 'is not a bearer token but, it seems, the random text of the deployment';
  if (token.length < shortestToken)
    return `has ${token.length} characters: X's bearer tokens have about 110`;
  return null;
}

/**
 * Whether anybody stored a text since the deployment made the secret. Its versions tell: the value itself is for the ingest
 * and root to read.
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

/** The stored text, for its shape alone: it is never printed. The secret's policy lets root read it, and no other person. */
export async function storedToken({
  clients,
  outputs,
}: Pick<Session, 'clients' | 'outputs'>): Promise<string> {
  const { SecretString } = await clients.secrets.send(
    new GetSecretValueCommand({ SecretId: outputs.TokenSecretArn }),
  );
  return SecretString ?? '';
}

/** Asks X for one page, which costs `tokenCheckCost`; answers what X said against it, or null. */
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
  // Whoever answers at that address wrote it.
  return shortened(
    `${response.status} ${response.statusText}: ${await response.text()}`,
    longestAnswer,
  );
}
