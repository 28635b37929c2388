import type { Context } from './context';
import { launcherHeaders } from './launcher';
import { messageOf } from './protocol';

/** How long a value waits for a launcher that is busy. */
const PATIENCE_MS = 10_000;

/** A value with CloudWatch's spelling of its unit. */
export type Measured = readonly [value: number, unit: 'None' | 'Count' | 'Microseconds'];

/**
 * Gives CloudWatch one value of each named metric of an AWS service, as of now. Does not wait, and does not throw: what
 * was measured goes on without it. A value that is lost is said in the log.
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
