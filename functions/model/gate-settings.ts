import { createHash } from 'node:crypto';
import type { FunctionSettings } from '../settings/settings';

/** They say how long a grant is good for, and nothing of a candidate. */
const notOfTheGate: readonly string[] = [
  'forceGrantHours',
] satisfies (keyof FunctionSettings['evaluation'])[];

/**
 * SHA-256, hex, of the settings by which the gate decides. With others it may decide otherwise on the same candidate, so
 * a nightly run then trains although the data are the same.
 */
export const gateSettings = (evaluation: FunctionSettings['evaluation']): string =>
  createHash('sha256')
    .update(
      JSON.stringify(
        Object.entries(evaluation)
          .filter(([name]) => !notOfTheGate.includes(name))
          .sort(([a], [b]) => a.localeCompare(b)),
      ),
    )
    .digest('hex');
