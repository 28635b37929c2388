import type { HistoryEvent } from '@aws-sdk/client-sfn';
import { z } from 'zod';
import { ExecutionRow, executionRowKey } from '../../workflows/executions';
import {
  CleanTweetsOutput,
  EvaluateCandidateOutput,
  IngestTweetsOutput,
  PromoteModelOutput,
  RunMode,
  RunReport,
  TrainModelOutput,
} from '../../workflows/payloads';
import { answerOf, steps } from '../../workflows/steps';
import type { StepName } from '../../workflows/steps';
import { readDayList } from '../lake/day-lists';
import { jsonOf } from '../lake/unpack';
import { getJson, getText, keyOf, putText, uriOf } from '../lake/objects';
import type { LakeBucket } from '../lake/objects';
import { log } from '../shared/step';
import type { ArchivedExecution } from './archived-execution';
import { readCause } from './execution-history';
import { claimedIn, whatIsProven, whoStarted } from './started-by';
import type { RecordedCall } from './started-by';

const CAUSE_CHARACTERS = 1000;
const SUMMARY_CHARACTERS = 2000;

/** Calls that CloudTrail recorded, as far as they were looked up. */
export interface Calls {
  starts: readonly RecordedCall[];
  redrives: readonly RecordedCall[];
}

/**
 * The row of an ended execution, made of its history alone and what the lake still has of it: whoever makes it again
 * gets the same row. What an older release's history does not tell is null.
 */
export async function executionRow(
  lake: LakeBucket,
  {
    execution,
    events,
  }: { execution: ArchivedExecution['execution']; events: readonly HistoryEvent[] },
  historyUri: string,
  { starts, redrives }: Calls,
): Promise<ExecutionRow> {
  const { name, executionArn, status, startDate, stopDate, redriveCount, input } = execution;
  const state = lastStateOf(events);
  const answer = <Schema extends z.ZodType>(step: StepName, schema: Schema) =>
    schema.safeParse(answerIn(state, step)).data ?? null;
  const report = RunReport.safeParse(jsonOf(execution.output)).data;
  const ingest = answer('ingest-tweets', IngestTweetsOutput);
  const train = answer('train-model', TrainModelOutput);
  const trained = train?.status === 'DONE' ? train : null;
  const evaluation = answer('evaluate-candidate', EvaluateCandidateOutput);
  const promotion = answer('promote-model', PromoteModelOutput);
  return {
    schema_version: 1,
    name,
    arn: executionArn,
    mode: answer('plan-run', Planned)?.mode ?? modeIn(input),
    status,
    started_at: startDate.toISOString(),
    ended_at: stopDate?.toISOString() ?? null,
    seconds: stopDate ? (Number(stopDate) - Number(startDate)) / 1000 : null,
    redrives: redriveCount,
    ...whoStarted({ executionArn, claim: claimedIn(input) }, starts, redrives),
    received: ingest?.received ?? null,
    written: ingest?.written ?? null,
    duplicates: ingest?.duplicates ?? null,
    quarantined: ingest?.quarantined ?? null,
    ...(await published(lake, answer('clean-tweets', CleanTweetsOutput))),
    model_trained: trained?.jobName ?? null,
    training_fingerprint: trained?.fingerprint ?? null,
    ...(await training(lake, trained?.manifestUri ?? null)),
    decision: decisionIn(evaluation, promotion),
    macro_recall: evaluation?.candidate?.macro_recall ?? null,
    model_promoted: promotion?.modelVersion ?? null,
    model_in_service: report?.modelInService ?? null,
    error: execution.error ?? null,
    cause: withoutIds(execution.cause && readCause(execution.cause), CAUSE_CHARACTERS),
    summary: withoutIds(report?.summary, SUMMARY_CHARACTERS),
    history_uri: historyUri,
    report_uri: report?.reportUri ?? null,
    manifest_uri: trained?.manifestUri ?? null,
  };
}

/**
 * Stores a row under its execution's only key, in place of the row of an earlier end. What that one had from CloudTrail
 * stays, if this time CloudTrail gave nothing.
 */
export async function keepExecutionRow(lake: LakeBucket, row: ExecutionRow): Promise<void> {
  const key = executionRowKey(row.name, new Date(row.started_at));
  const before = (await getJson(lake, key, ExecutionRow))?.value;
  const who = before && whatIsProven(before, row);
  await putText(lake, key, rowText({ ...row, ...who }), 'application/json');
}

/** A line of JSON, as Athena's SerDe reads it. */
export const rowText = (row: ExecutionRow): string => `${JSON.stringify(row)}\n`;

const Planned = z.object({ mode: RunMode });

const modeIn = (input: string) => {
  const value = jsonOf(input);
  const mode = z.object({ mode: RunMode.default('nightly') }).safeParse(value ?? {});
  return mode.data?.mode ?? null;
};

const Known = z.looseObject({ plan: z.unknown() }).refine(({ plan }) => plan !== undefined);
const REPEATED = /^\(as in event (\d+)\)$/;

/**
 * The execution's state as its last step left it; empty if it ended before its plan. `readHistory` replaces a payload
 * that repeats an earlier event's by a note.
 */
function lastStateOf(events: readonly HistoryEvent[]): Record<string, unknown> {
  const textOf = (event: HistoryEvent | undefined) =>
    event?.stateExitedEventDetails?.output ?? event?.stateEnteredEventDetails?.input;
  const byId = new Map(events.map((event) => [event.id, event]));
  for (const event of events.toReversed()) {
    const text = textOf(event);
    const [, first] = REPEATED.exec(text ?? '') ?? [];
    const known = Known.safeParse(
      jsonOf(first === undefined ? text : textOf(byId.get(Number(first)))),
    );
    if (known.success) return known.data;
  }
  return {};
}

const answerIn = (state: Record<string, unknown>, name: StepName): unknown => {
  const step = steps.find((one) => one.name === name);
  return step && answerOf(step, state);
};

function decisionIn(
  evaluation: EvaluateCandidateOutput | null,
  promotion: PromoteModelOutput | null,
): ExecutionRow['decision'] {
  if (evaluation === null) return null;
  if (!evaluation.promote) return 'refused';
  if (promotion === null) return 'accepted';
  return evaluation.rollback === undefined ? 'promoted' : 'rolled back';
}

async function published(
  lake: LakeBucket,
  clean: CleanTweetsOutput | null,
): Promise<Pick<ExecutionRow, 'days' | 'rows_published' | 'data_version'>> {
  const none = { days: null, rows_published: null, data_version: null };
  if (clean?.status !== 'DONE') return none;
  try {
    const days = await readDayList(lake, 'cleaned', clean.days);
    return {
      days: days.map(({ date }) => date),
      rows_published: days.reduce((sum, { rows }) => sum + rows, 0),
      data_version: days[0]?.version ?? null,
    };
  } catch (error) {
    // The list ends with cleaned-data/, which may be kept for less time than the history.
    if (!isContractBroken(error)) throw error;
    log({ daysUnknown: error.message });
    return none;
  }
}

const isContractBroken = (error: unknown): error is Error =>
  error instanceof Error && error.name === 'ContractBroken';

const Rows = z.object({ rows: z.number().int() });
/** What a manifest says of its model's origin; models of older releases may lack a part. */
const Origin = z.object({
  request: z.object({
    git: z.object({ commit: z.string(), dirty: z.boolean() }).optional(),
    cleaned_data: z.array(z.object({ date: z.string(), rows: z.number().int() })),
    labels: z.array(z.unknown()),
  }),
  rows: z.object({ train: Rows, validation: Rows, test: Rows }).optional(),
});

type Training = Pick<
  ExecutionRow,
  | 'git_commit'
  | 'training_from'
  | 'training_to'
  | 'training_tweets'
  | 'label_objects'
  | 'label_rows'
>;

async function training(lake: LakeBucket, manifestUri: string | null): Promise<Training> {
  const origin = Origin.safeParse(jsonOf(await manifestText(lake, manifestUri))).data;
  const { git, cleaned_data: days = [], labels } = origin?.request ?? {};
  const dates = days.map(({ date }) => date).sort();
  const { train, validation, test } = origin?.rows ?? {};
  return {
    git_commit: git === undefined ? null : `${git.commit}${git.dirty ? '-dirty' : ''}`,
    training_from: dates[0] ?? null,
    training_to: dates.at(-1) ?? null,
    training_tweets: origin ? days.reduce((sum, { rows }) => sum + rows, 0) : null,
    label_objects: labels?.length ?? null,
    label_rows: train && validation && test ? train.rows + validation.rows + test.rows : null,
  };
}

/** Undefined if it is gone, or in the bucket of a lake that this one was copied from. */
const manifestText = async (lake: LakeBucket, uri: string | null): Promise<string | undefined> =>
  uri?.startsWith(uriOf(lake, '')) ? (await getText(lake, keyOf(lake, uri)))?.text : undefined;

/**
 * Ids of tweets and people, which erasing would otherwise have to find here: digits in quotation marks, as in the
 * samples of checks, and longer numbers, as in names of raw pages. Hashes in names of models have 12 digits at most.
 */
const IDS = /(?<=["'])\d{1,20}(?=\\*["'])|\d{13,}/g;

const withoutIds = (text: string | undefined, characters: number): string | null =>
  text === undefined ? null : text.replace(IDS, '…').slice(0, characters);
