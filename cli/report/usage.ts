import { settingsFor, type Settings } from '../../infra/config';
import type { Session } from '../../session/session';
import { countOf } from '../../workflows/payloads';
import { stepOfState } from '../../workflows/steps';
import type { Usage } from '../costs/night';
import type { Run } from '../run/follow';
import { lastState } from '../run/last-state';
import type { Stage } from '../run/timeline';

const secondsOf = ({ startedAt, endedAt }: Stage): number =>
  ((endedAt ?? startedAt) - startedAt) / 1000;

/** Task, Choice and Wait: the states of one status check of a job. */
const statesPerLook = 3;
/** A step's Lambda, cold starts included, as measured on a laptop. */
const lambdaSecondsPerCall = 0.5;
/** `drift` and `rising_words`. */
const DRIFT_QUERIES = 2;

/** The number of status checks of a stage at an account's polling interval. */
function looks(stage: Stage, poll: Record<string, number>): number {
  const interval = poll[stepOfState(stage.name)?.key ?? ''];
  return interval === undefined ? 1 : 1 + Math.ceil(secondsOf(stage) / interval);
}

/** The settings for the costs: `dev` for a local run; in an account, with the capacity that the training really used. */
export function billedSettings(
  { environment }: Pick<Session, 'environment'>,
  train: ReturnType<typeof lastState>['train'],
): Settings {
  if (environment === 'local') return settingsFor('dev');
  const settings = settingsFor(environment);
  const onDemand = train?.status === 'DONE' && train.capacity === 'on-demand';
  return onDemand ? { ...settings, training: { ...settings.training, spot: false } } : settings;
}

/** The billed usage of a run, as if it had run with these settings. */
export function usageOf(
  { events, timeline }: Pick<Run, 'events' | 'timeline'>,
  settings: Settings,
): Usage {
  const { ingest, clean, check, train, refresh } = lastState(events);
  const { stages } = timeline;
  const passes = (name: Stage['name']) => stages.filter((stage) => stage.name === name);
  const calls = stages.reduce((sum, stage) => sum + looks(stage, settings.poll), 0);
  const received = ingest && 'received' in ingest ? ingest : undefined;
  const users = received?.users ?? 0;
  const days = clean?.status === 'DONE' ? countOf(clean.days) : 0;
  const checks = check?.status === 'DONE' ? check.checks.length : 0;
  return {
    transitions: calls * statesPerLook,
    lambdaCalls: calls,
    lambdaSeconds: calls * lambdaSecondsPerCall,
    crawls: passes('Crawl raw data').length,
    glueSeconds: clean?.status === 'DONE' ? clean.summary.seconds : 0,
    trainingSeconds:
      train?.status === 'DONE'
        ? passes('Train the model').reduce((sum, stage) => sum + secondsOf(stage), 0)
        : (train?.status === 'SKIPPED' && train.seconds) || 0,
    // Scoring queries the tweets of each day, and the report compares those of two periods.
    athenaQueries: checks + days + DRIFT_QUERIES,
    transformSeconds: (refresh?.status === 'DONE' && refresh.job?.seconds) || 0,
    scored: refresh?.status === 'DONE' ? refresh.scored - (refresh.job?.scored ?? 0) : 0,
    // A page is split by day, has a line in the ledger and a plan that says so; a day is cleaned, scored and summed up.
    putRequests: (received?.pages ?? 0) * 4 + days * 4 + 20,
    // Imported and replayed tweets were not read at X.
    posts: Math.round(
      ((received?.spendUsd ?? 0) - users * settings.x.usdPerUser) / settings.x.usdPerPost,
    ),
    // A local run gets author names from the stub; an account pays for them only if its settings ask for them.
    users: settings.x.authorNames ? users : 0,
  };
}
