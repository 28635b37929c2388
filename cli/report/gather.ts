import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import { settingsFor, type Settings } from '../../infra/config';
import { registeredModels } from '../../functions/model/registry';
import { isFailed, Label, reasonsIn } from '../../workflows/evaluation';
import { RunReport } from '../../workflows/payloads';
import type { Workspace } from '../../session/workspace';
import type { Session } from '../../session/session';
import { records } from '../athena';
import { awsCosts, xCosts } from '../costs/night';
import { registryOf } from '../models';
import { runNamedQuery } from '../query';
import { describeFailure } from '../run/failure';
import { executionName, type Run } from '../run/follow';
import { lastState } from '../run/last-state';
import {
  pickOpinions,
  type Contributor,
  type DaySentiment,
  type DecidedModel,
  type Judges,
  type ReportData,
  type Opinion,
} from './figures';
import { usageOf } from './usage';

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
  by_people: Figure,
  by_model: Figure,
  by_lexicon: Figure,
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

async function sentimentByDay(
  workspace: Workspace,
  session: Session,
): Promise<{ days: DaySentiment[]; judges: Judges }> {
  const answer = records(await runNamedQuery(workspace, session, 'daily_sentiment'));
  const rows = answer.map((row) => DayRow.parse(row)).slice(-shownDays);
  const sum = (of: (row: z.infer<typeof DayRow>) => number) =>
    rows.reduce((total, row) => total + of(row), 0);
  return {
    days: rows.map(({ dt, tweets, negative, neutral, positive, average_sentiment }) => ({
      ...{ day: dt, tweets, negative, neutral, positive },
      average: average_sentiment,
    })),
    judges: {
      people: sum(({ by_people }) => by_people),
      model: sum(({ by_model }) => by_model),
      lexicon: sum(({ by_lexicon }) => by_lexicon),
    },
  };
}

/** The models of this lake that the gate decided on, oldest first. */
async function decidedModels(session: Session, inService: string | null): Promise<DecidedModel[]> {
  const models = await registeredModels(registryOf(session));
  return models.toReversed().map((model) => {
    const promoted = model.approval === 'Approved';
    return {
      version: model.modelVersion,
      execution: executionName(model.execution),
      macroRecall: model.macroRecall ?? null,
      promoted,
      inService: model.modelVersion === inService,
      because: promoted ? null : (reasonsIn(model.because).find(isFailed) ?? model.because),
    };
  });
}

async function topContributors(workspace: Workspace, session: Session): Promise<Contributor[]> {
  const rows = records(await runNamedQuery(workspace, session, 'top_contributors'));
  return rows
    .map((row) => ContributorRow.parse(row))
    .map(({ sentiment, author_username, author_id, tweets }) => ({
      sentiment,
      author: author_username ?? author_id,
      tweets,
    }));
}

async function opinions(workspace: Workspace, session: Session): Promise<Opinion[]> {
  const rows = records(
    await runNamedQuery(workspace, session, 'tweets_with_predictions', { top: opinionPool }),
  );
  // Tweets without a human label or a prediction have nothing to compare.
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

/** The settings for the costs: `dev` for a local run; in an account, with the capacity that the training really used. */
export function billedSettings(
  { environment }: Session,
  train: ReturnType<typeof lastState>['train'],
): Settings {
  if (environment === 'local') return settingsFor('dev');
  const settings = settingsFor(environment);
  const onDemand = train?.status === 'DONE' && train.capacity === 'on-demand';
  return onDemand ? { ...settings, training: { ...settings.training, spot: false } } : settings;
}

/** Collects the report's data. A failed run shows the lake as it was before. */
export async function gatherReport(
  workspace: Workspace,
  session: Session,
  run: Run,
): Promise<ReportData> {
  const execution = await session.clients.sfn.send(
    new DescribeExecutionCommand({ executionArn: run.arn }),
  );
  const report = RunReport.safeParse(JSON.parse(execution.output ?? 'null'));
  const succeeded = run.status === 'SUCCEEDED';
  const { ingest, train } = lastState(run.events);
  const settings = billedSettings(session, train);
  const usage = usageOf(run, settings);
  const [first, last] = [run.events[0], run.events.at(-1)];
  return {
    execution: run.name,
    status: run.status,
    startedAt: first?.at ?? 0,
    endedAt: last?.at ?? 0,
    redrives: execution.redriveCount ?? 0,
    summary: report.success ? report.data.summary : '',
    modelInService: report.success ? report.data.modelInService : null,
    ...(report.success && {
      drift: report.data.drift,
      stream: report.data.stream,
      gate: report.data.gate,
    }),
    stages: run.timeline.stages,
    ingest: ingest === undefined || ingest.status === 'PENDING' ? null : ingest,
    ...(succeeded
      ? await sentimentByDay(workspace, session)
      : { days: [], judges: { people: 0, model: 0, lexicon: 0 } }),
    models: succeeded
      ? await decidedModels(session, report.success ? report.data.modelInService : null)
      : [],
    contributors: succeeded ? await topContributors(workspace, session) : [],
    opinions: succeeded ? pickOpinions(await opinions(workspace, session)) : [],
    failure: succeeded ? [] : describeFailure(run, session.environment),
    aws: awsCosts(usage, settings),
    x: xCosts(usage, settings),
    usesXStub: session.usesXStub,
  };
}
