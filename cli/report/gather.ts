import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import type { Session } from '../../session/session';
import { isFailed, Label } from '../../workflows/evaluation';
import { RunReport } from '../../workflows/payloads';
import { records } from '../athena';
import { questionKey, type Answers } from '../console/freeze';
import { awsCosts, xCosts } from '../costs/night';
import type { Run } from '../run/follow';
import { lastState } from '../run/last-state';
import type { Contributor, DaySentiment, DecidedModel, Judges, ReportData } from './figures';
import { billedSettings, usageOf } from './usage';

const Figure = z.coerce.number();
const shownDays = 7;

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

const Rows = z.object({
  columns: z.array(z.string()),
  rows: z.array(z.array(z.string().nullable())),
});

/** The rows of one of the report's questions; none if it could not be answered. */
function rowsOf<Schema extends z.ZodType>(
  answers: Answers,
  question: string,
  row: Schema,
): z.output<Schema>[] {
  const { data } = Rows.safeParse(answers[questionKey(question)]);
  return data === undefined ? [] : records(data).map((one) => row.parse(one));
}

function sentimentByDay(answers: Answers): { days: DaySentiment[]; judges: Judges } {
  const rows = rowsOf(answers, 'daily_sentiment', DayRow).slice(-shownDays);
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

const Models = z.array(
  z.object({
    version: z.string(),
    execution: z.string(),
    macroRecall: z.number().nullable(),
    decision: z.enum(['promoted', 'refused']),
    inService: z.boolean(),
    because: z.array(z.string()),
  }),
);

/** The models of this lake that the gate decided on, oldest first. */
const decidedModels = (answers: Answers): DecidedModel[] =>
  (Models.safeParse(answers['/api/models']).data ?? [])
    .toReversed()
    .map(({ version, execution, macroRecall, decision, inService, because }) => ({
      ...{ version, execution, macroRecall, inService },
      promoted: decision === 'promoted',
      because: decision === 'promoted' ? null : (because.find(isFailed) ?? because.join('; ')),
    }));

const contributorsIn = (answers: Answers): Contributor[] =>
  rowsOf(answers, 'top_contributors', ContributorRow).map(
    ({ sentiment, author_username, author_id, tweets }) => ({
      sentiment,
      author: author_username ?? author_id,
      tweets,
    }),
  );

const Opinions = z.object({
  opinions: z.array(
    z.object({
      text: z.string(),
      human: Label,
      lexicon: Label,
      model: Label,
      confidence: z.number(),
    }),
  ),
});

/**
 * What the terminal shows of a run, from the answers that its report holds: both show the same numbers. A failed run
 * shows nothing of the lake, which is as it was before.
 */
export async function gatherReport(
  session: Session,
  run: Run,
  answers: Answers,
): Promise<ReportData> {
  const execution = await session.clients.sfn.send(
    new DescribeExecutionCommand({ executionArn: run.arn }),
  );
  const report = RunReport.safeParse(JSON.parse(execution.output ?? 'null'));
  const succeeded = run.status === 'SUCCEEDED';
  const { train } = lastState(run.events);
  const settings = billedSettings(session, train);
  const usage = usageOf(run, settings);
  const [first, last] = [run.events[0], run.events.at(-1)];
  return {
    execution: run.name,
    status: run.status,
    startedAt: first?.at ?? 0,
    endedAt: last?.at ?? 0,
    modelInService: report.success ? report.data.modelInService : null,
    ...(report.success && {
      drift: report.data.drift,
      stream: report.data.stream,
      gate: report.data.gate,
    }),
    ...(succeeded
      ? sentimentByDay(answers)
      : { days: [], judges: { people: 0, model: 0, lexicon: 0 } }),
    models: succeeded ? decidedModels(answers) : [],
    contributors: succeeded ? contributorsIn(answers) : [],
    opinions: succeeded ? (Opinions.safeParse(answers['/api/opinions']).data?.opinions ?? []) : [],
    aws: awsCosts(usage, settings),
    x: xCosts(usage, settings),
    usesXStub: session.usesXStub,
  };
}
