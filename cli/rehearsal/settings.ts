import { settingsFor, type Settings } from '../../infra/config';
import { perPollingKey } from '../../workflows/steps';
import type { AccountEnvironment } from '../account/session';
import { administratorArn } from './administrator';

/** Settings that anybody could give to a deployment: `-c settings={…}`. */
export type Changes = Readonly<Record<string, unknown>>;

/** A second between two looks at a job: the embedded cloud's take seconds, where AWS's take minutes. */
const poll = perPollingKey(() => 1);

/**
 * What a rehearsal deploys an environment with. The X stand-in has everyday speech alone, so the search is for everyday
 * words; prod names nobody who may do anything, so the rehearsal's person is named.
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

/** The other kind of endpoint than the environment's settings have: what a promotion then makes stands beside the first. */
export function otherEndpoint(environment: AccountEnvironment): Changes {
  const { kind, instances } = settingsFor(environment).endpoint;
  const other: Settings['endpoint']['kind'] = kind === 'serverless' ? 'realtime' : 'serverless';
  return { endpoint: { kind: other, instances } };
}

/** 61 minutes after the hour: EventBridge refuses the rule when the state machine and its functions are updated already. */
export const impossibleSchedule: Changes = {
  poll: { ...poll, train: 2 },
  nightly: { cron: 'cron(61 2 * * ? *)' },
};
