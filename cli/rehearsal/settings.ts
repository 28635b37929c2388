import { settingsFor, type Settings } from '../../infra/config';
import { perPollingKey } from '../../workflows/steps';
import type { AccountEnvironment } from '../account/session';
import { administratorArn } from './administrator';

/** Settings as a person gives them to a deployment: `-c settings={…}`. */
export type Changes = Readonly<Record<string, unknown>>;

/** A second between two looks at a job: the embedded cloud's take seconds, where AWS's take minutes. */
const poll = perPollingKey(() => 1);

/**
 * The settings of a rehearsal. The X API stub only has everyday speech, so the query is everyday words. prod's
 * settings allow nobody anything, so the rehearsal's person is added.
 */
export function rehearsed(environment: AccountEnvironment): Changes {
  const { people } = settingsFor(environment);
  const named = Object.entries(people).map(([kind, who]) => [
    kind,
    Array.isArray(who) && who.length === 0 ? [administratorArn] : who,
  ]);
  return {
    poll,
    people: Object.fromEntries(named),
    x: { queries: settingsFor('local').x.queries },
  };
}

/** Changes the kind of endpoint: the next promotion then creates a second endpoint beside the first. */
export function otherEndpoint(environment: AccountEnvironment): Changes {
  const { kind, instances } = settingsFor(environment).endpoint;
  const other: Settings['endpoint']['kind'] = kind === 'serverless' ? 'realtime' : 'serverless';
  return { endpoint: { kind: other, instances } };
}

/** A schedule at minute 61: EventBridge rejects the rule after the state machine and its functions were updated. */
export const impossibleSchedule: Changes = {
  poll: { ...poll, train: 2 },
  nightly: { cron: 'cron(61 2 * * ? *)' },
};
