import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { settingsFor } from '../infra/config';
import type { Session } from '../session/session';
import { UserError } from '../session/user-error';
import type { Screen } from './screen';

const shortestReason = 10;

/** Gives one execution the right to promote what the gate refuses, as ForceGranterRole. */
export async function grantForce(
  { people, outputs, environment }: Session,
  screen: Screen,
  reason: string,
): Promise<void> {
  if (reason.trim().length < shortestReason) {
    throw new UserError(
      `A reason that somebody understands months later has at least ${shortestReason} characters.`,
    );
  }
  const { VersionId } = await people.forceGranter.secrets.send(
    new PutSecretValueCommand({
      SecretId: outputs.ForceGrantSecretArn,
      SecretString: JSON.stringify({ reason: reason.trim() }),
    }),
  );
  const { forceGrantHours } = settingsFor(environment).evaluation;
  screen.say(
    `Granted (${VersionId}): one execution that is started with "force": true within ${forceGrantHours} hours may promote in spite of the gate.`,
  );
  screen.say(
    `npm run lake -- retrain --input '{"force":true}'${environment === 'local' ? '' : ` --env ${environment}`}`,
  );
}
