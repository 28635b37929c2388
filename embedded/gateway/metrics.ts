import type { Context } from './context';
import { launcherHeaders } from './launcher';
import { messageOf } from './protocol';

/** How long to wait for a busy launcher. */
const PATIENCE_MS = 10_000;

/** A value and its CloudWatch unit. */
export type Measured = readonly [value: number, unit: 'None' | 'Count' | 'Microseconds'];

/**
 * Sends CloudWatch one value of each metric of an AWS service, with the current time. Neither waits nor throws, so it
 * never disturbs what it measures. Lost values are logged.
 */
export function publish(
  { launcher, log }: Context,
  namespace: `AWS/${string}`,
  dimensions: Readonly<Record<string, string>>,
  values: Readonly<Record<string, Measured>>,
): void {
  const lost = (reason: string) =>
    log(`metrics of ${namespace} (${Object.values(dimensions).join(', ')}) are lost: ${reason}`);
  fetch(`${launcher.url}/_lake/metrics`, {
    method: 'POST',
    headers: { ...launcherHeaders(launcher.token), 'content-type': 'application/json' },
    body: JSON.stringify({ namespace, dimensions, values }),
    signal: AbortSignal.timeout(PATIENCE_MS),
  })
    .then(async (answer) => {
      const text = await answer.text();
      if (answer.status !== 200) lost(`the launcher answered ${answer.status}: ${text}`);
    })
    .catch((error: unknown) => lost(messageOf(error)));
}
