import { GetSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import type { SecretsManagerClient } from '@aws-sdk/client-secrets-manager';
import { z } from 'zod';
import { prefixes } from '../../workflows/datasets';
import { durable } from '../../workflows/durable';
import { StepError } from '../../workflows/errors';
import type { ForceGrant } from '../../workflows/payloads';
import { getJson, putJsonIf } from '../lake/objects';
import type { LakeBucket } from '../lake/objects';

/** What the secret holds; a reason that nobody can understand months later is none. */
const Granted = z.strictObject({ reason: z.string().trim().min(10).max(300) });

export const ClaimedGrant = durable(
  'The record of a grant that was used',
  z.object({ schemaVersion: z.literal(1), execution: z.string(), takenAt: z.string() }),
);
type ClaimedGrant = z.infer<typeof ClaimedGrant>;

interface Dependencies {
  secrets: SecretsManagerClient;
  secretArn: string;
  lake: LakeBucket;
  /** How long a grant is good for. */
  hours: number;
}

/**
 * Takes the grant that lets one execution put a model into service in spite of the gate: the newest version of a
 * secret that only the ForceGranterRole may write. Each version serves one execution, and that again after a
 * lost answer. Throws `ForceNotGranted`.
 */
export async function takeForceGrant(
  { secrets, secretArn, lake, hours }: Dependencies,
  execution: string,
  now: Date,
): Promise<ForceGrant> {
  const { SecretString, VersionId, CreatedDate } = await secrets.send(
    new GetSecretValueCommand({ SecretId: secretArn }),
  );
  const granted = Granted.safeParse(parseOrNull(SecretString));
  if (!granted.success || VersionId === undefined || CreatedDate === undefined) {
    throw refused('there is no grant');
  }
  const age = (now.valueOf() - CreatedDate.valueOf()) / 3_600_000;
  if (age > hours) {
    throw refused(
      `the last grant is of ${CreatedDate.toISOString()}, and one is good for ${hours} hours`,
    );
  }
  const key = `${prefixes.plans}force-grants/${VersionId}.json`;
  const taken: ClaimedGrant = { schemaVersion: 1, execution, takenAt: now.toISOString() };
  if ((await putJsonIf(lake, key, taken, { ifMatch: null })) === null) {
    const by = (await getJson(lake, key, ClaimedGrant))?.value.execution;
    if (by !== execution) {
      throw refused(
        `the last grant was used by ${by ?? 'another execution'}, and each is good for one`,
      );
    }
  }
  return { grant: VersionId, reason: granted.data.reason };
}

function parseOrNull(text: string | undefined): unknown {
  try {
    const value: unknown = JSON.parse(text ?? '');
    return value;
  } catch {
    return null;
  }
}

const refused = (why: string): StepError =>
  new StepError(
    'ForceNotGranted',
    `The run was started with force, but ${why}. Somebody who may take on the ForceGranterRole gives one: ` +
      'npm run lake -- grant-force "<reason>", or a new value {"reason":"…"} of the secret in the console. ' +
      'Then start again; nothing was done.',
  );
