import type { z } from 'zod';
import type { Settings } from '../../../infra/config';
import { RunState } from '../../../workflows/payloads';
import type { Usage } from '../costs';
import type { Run } from '../run/follow';
import { stageKeys } from '../run/stages';
import type { Stage } from '../run/timeline';

const LastState = RunState.pick({ ingest: true, clean: true, check: true, train: true, refresh: true })
  .loose()
  .partial();

/** The state as the last step left it, as far as it can be read. */
function lastState(events: Run['events']): z.infer<typeof LastState> {
  for (const { type, output } of [...events].reverse()) {
    if (!type.endsWith('StateExited') || output === undefined) continue;
    const parsed = LastState.safeParse(JSON.parse(output));
    if (parsed.success && parsed.data.ingest) return parsed.data;
  }
  return {};
}

const secondsOf = ({ startedAt, endedAt }: Stage): number => ((endedAt ?? startedAt) - startedAt) / 1000;

/** Task, Choice and Wait: what one look at a job takes. */
const statesPerLook = 3;
/** A step's Lambda, cold starts included, as measured on a laptop. */
const lambdaSecondsPerCall = 0.5;

/** How often a stage looks at its job where looks are as far apart as in an account. */
function looks(stage: Stage, poll: Record<string, number>): number {
  const interval = poll[stageKeys[stage.name]];
  return interval === undefined ? 1 : 1 + Math.ceil(secondsOf(stage) / interval);
}

/** What a run used of the things that AWS and X charge for, had it run with these settings. */
export function usageOf({ events, timeline }: Pick<Run, 'events' | 'timeline'>, settings: Settings): Usage {
  const { ingest, clean, check, train, refresh } = lastState(events);
  const { stages } = timeline;
  const passes = (name: Stage['name']) => stages.filter((stage) => stage.name === name);
  const calls = stages.reduce((sum, stage) => sum + looks(stage, settings.poll), 0);
  const received = ingest && 'received' in ingest ? ingest : undefined;
  const days = clean?.status === 'DONE' ? clean.days.length : 0;
  const checks = check?.status === 'DONE' ? check.checks.length : 0;
  return {
    transitions: calls * statesPerLook,
    lambdaCalls: calls,
    lambdaSeconds: calls * lambdaSecondsPerCall,
    crawls: passes('Crawl raw data').length,
    glueSeconds: clean?.status === 'DONE' ? clean.summary.seconds : 0,
    trainingSeconds: train?.status === 'DONE' ? passes('Train the model').reduce((sum, stage) => sum + secondsOf(stage), 0) : 0,
    // Scoring asks for the tweets of each day.
    athenaQueries: checks + days,
    scored: refresh?.status === 'DONE' ? refresh.scored : 0,
    // A page is split by day; a day is cleaned, scored and summed up.
    putRequests: (received?.pages ?? 0) * 2 + days * 4 + 20,
    posts: received?.received ?? 0,
  };
}
