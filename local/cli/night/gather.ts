import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import { settingsFor } from '../../../infra/config';
import { Label } from '../../../workflows/evaluation';
import { RunReport, RunState } from '../../../workflows/payloads';
import { tweetSource } from '../../cloud/deploy';
import type { Lake } from '../../cloud/lake';
import type { Session } from '../../cloud/session';
import { records } from '../athena';
import { awsCosts, xCosts, type Usage } from '../costs';
import { runNamedQuery } from '../query';
import { describeFailure } from '../run/failure';
import type { Run } from '../run/follow';
import type { Timeline } from '../run/timeline';
import { pickOpinions, type Contributor, type DaySentiment, type Night, type Opinion } from './figures';

const Figure = z.coerce.number();
const shownDays = 7;
/** Enough tweets to find an example of each kind among. */
const opinionPool = 1000;

const DayRow = z.object({
  dt: z.string(),
  tweets: Figure,
  negative: Figure,
  neutral: Figure,
  positive: Figure,
  average_sentiment: Figure,
});

const ContributorRow = z.object({
  sentiment: Label,
  author_username: z.string().nullable(),
  author_id: z.string(),
  tweets: Figure,
});

const OpinionRow = z.object({
  text: z.string(),
  label: Label,
  label_source: z.literal('human'),
  lexicon_label: Label,
  model_label: Label,
  model_negative: Figure,
  model_neutral: Figure,
  model_positive: Figure,
});

async function sentimentByDay(lake: Lake, session: Session): Promise<DaySentiment[]> {
  const rows = records(await runNamedQuery(lake, session, 'daily_sentiment'));
  return rows
    .map((row) => DayRow.parse(row))
    .map(({ dt, average_sentiment, ...counts }) => ({ day: dt, average: average_sentiment, ...counts }))
    .slice(-shownDays);
}

async function topContributors(lake: Lake, session: Session): Promise<Contributor[]> {
  const rows = records(await runNamedQuery(lake, session, 'top_contributors'));
  return rows
    .map((row) => ContributorRow.parse(row))
    .map(({ sentiment, author_username, author_id, tweets }) => ({
      sentiment,
      author: author_username ?? author_id,
      tweets,
    }));
}

async function opinions(lake: Lake, session: Session): Promise<Opinion[]> {
  const rows = records(await runNamedQuery(lake, session, 'tweets_with_verdicts', { top: opinionPool }));
  // Tweets without a human label or a verdict have nothing to compare.
  return rows.flatMap((row) => {
    const parsed = OpinionRow.safeParse(row);
    if (!parsed.success) return [];
    const { text, label, lexicon_label, model_label } = parsed.data;
    const confidence = {
      negative: parsed.data.model_negative,
      neutral: parsed.data.model_neutral,
      positive: parsed.data.model_positive,
    }[model_label];
    return [{ text, human: label, lexicon: lexicon_label, model: model_label, confidence }];
  });
}

const PartialState = RunState.pick({ ingest: true, clean: true, check: true, train: true, refresh: true })
  .loose()
  .partial();

/** The state as the last step left it, as far as it can be read. */
function lastState(run: Run): z.infer<typeof PartialState> {
  for (const { type, output } of [...run.events].reverse()) {
    if (!type.endsWith('StateExited') || output === undefined) continue;
    const parsed = PartialState.safeParse(JSON.parse(output));
    if (parsed.success && parsed.data.ingest) return parsed.data;
  }
  return {};
}

const took = (timeline: Timeline, name: string): number =>
  timeline.stages
    .filter((stage) => stage.name === name)
    .reduce((sum, { startedAt, endedAt }) => sum + ((endedAt ?? startedAt) - startedAt) / 1000, 0);

/** What the run used, from its history: the figures that AWS would bill. */
export function usageOf(run: Run): Usage {
  const { ingest, clean, check, train, refresh } = lastState(run);
  const calls = run.events.filter(({ type, state }) => type === 'TaskStateEntered' && state !== undefined);
  const starts = new Map<string, number>();
  let lambdaSeconds = 0;
  for (const { type, state, at } of run.events) {
    if (state === undefined) continue;
    if (type === 'TaskStateEntered') starts.set(state, at);
    if (type === 'TaskStateExited') lambdaSeconds += Math.max(0, at - (starts.get(state) ?? at)) / 1000;
  }
  const received = ingest && 'received' in ingest ? ingest : undefined;
  const cleaned = clean?.status === 'DONE' ? clean : undefined;
  const checks = check?.status === 'DONE' ? check.checks.length : 0;
  return {
    transitions: run.events.filter(({ type }) => type.endsWith('StateEntered')).length,
    lambdaCalls: calls.length,
    lambdaSeconds,
    crawls: run.timeline.stages.filter(({ name }) => name === 'Crawl raw data').length,
    glueSeconds: cleaned ? cleaned.summary.seconds : 0,
    trainingSeconds: train?.status === 'DONE' ? took(run.timeline, 'Train the model') : 0,
    // Scoring asks for the tweets of each day.
    athenaQueries: checks + (cleaned?.days.length ?? 0),
    scored: refresh?.status === 'DONE' ? refresh.scored : 0,
    putRequests: (received?.pages ?? 0) * 2 + (cleaned?.days.length ?? 0) * 4 + 20,
    posts: received?.received ?? 0,
  };
}

/** Collects what is shown of a run. A failed one shows the lake as it stood before. */
export async function gatherNight(lake: Lake, session: Session, run: Run): Promise<Night> {
  const execution = await session.clients.sfn.send(new DescribeExecutionCommand({ executionArn: run.arn }));
  const report = RunReport.safeParse(JSON.parse(execution.output ?? 'null'));
  const succeeded = run.status === 'SUCCEEDED';
  const settings = settingsFor('local');
  const usage = usageOf(run);
  const [first, last] = [run.events[0], run.events.at(-1)];
  return {
    execution: run.name,
    status: run.status,
    startedAt: first?.at ?? 0,
    endedAt: last?.at ?? 0,
    redrives: execution.redriveCount ?? 0,
    summary: report.success ? report.data.summary : '',
    modelInService: report.success ? report.data.modelInService : null,
    stages: run.timeline.stages,
    days: succeeded ? await sentimentByDay(lake, session) : [],
    contributors: succeeded ? await topContributors(lake, session) : [],
    opinions: succeeded ? pickOpinions(await opinions(lake, session)) : [],
    failure: succeeded ? [] : describeFailure(run),
    aws: awsCosts(usage, settings),
    x: xCosts(usage, settings),
    standIn: tweetSource(lake).standIn,
  };
}
