import { setTimeout as sleep } from 'node:timers/promises';
import {
  DescribeExecutionCommand,
  GetExecutionHistoryCommand,
  paginateGetExecutionHistory,
  type HistoryEvent,
} from '@aws-sdk/client-sfn';
import type { RunLine, RunStatus, RunView, StarterView } from '../../console/contract';
import {
  ArchivedExecution,
  archiveFolder,
  ExecutionStatus,
  lastEnds,
} from '../../functions/report/archived-execution';
import { readCause } from '../../functions/report/execution-history';
import { describeBacklog } from '../../functions/report/looks';
import { getJson, uriOf } from '../../functions/lake/objects';
import { jsonOf } from '../../functions/lake/unpack';
import {
  EvaluateCandidateOutput,
  RunReport,
  type IngestTweetsOutput,
} from '../../workflows/payloads';
import type { Session } from '../../session/session';
import { awsCosts, xCosts } from '../costs/night';
import { billedSettings, usageOf } from '../report/usage';
import { simplify, type RunEvent } from '../run/events';
import { redriveCommand } from '../run/failure';
import { findExecution, listExecutions } from '../run/launch';
import { lastState } from '../run/last-state';
import { count } from '../run/stages';
import { claimed, describeStarter, storedRow, type Starter } from '../run/starter';
import { Timeline } from '../run/timeline';
import { Refused } from './door';
import { bucketOf, storedBelow } from './objects';
import { visitsOf, withPayloads } from './visits';

/** Runs whose report is read for the list; older ones are listed without it. */
const SUMMARIES = 40;

type Known = ArchivedExecution['execution'];

/** Runs that Step Functions has, and those that only the archive has, newest first. */
export async function listRuns(session: Session): Promise<RunLine[]> {
  const executions = await listExecutions(session);
  const lines = await Promise.all(
    executions.map(async (one, place): Promise<RunLine> => {
      const status = statusOf(one.status);
      const described =
        place < SUMMARIES
          ? await session.clients.sfn.send(
              new DescribeExecutionCommand({ executionArn: one.executionArn }),
            )
          : undefined;
      return {
        name: one.name ?? '',
        status,
        startedAt: one.startDate?.valueOf() ?? 0,
        endedAt: one.stopDate?.valueOf() ?? null,
        redrives: one.redriveCount ?? 0,
        isArchived: false,
        startedBy: described ? await starterOf(session, one, described.input) : null,
        summary: summaryOf(described?.output, described?.error),
      };
    }),
  );
  const known = new Set(lines.map(({ name }) => name));
  const archived = [...(await archives(session))].filter(([name]) => !known.has(name));
  const newest = archived.toSorted(([, a], [, b]) => b.modified - a.modified).slice(0, SUMMARIES);
  const older = await Promise.all(
    newest.map(async ([, { key }]) => {
      const found = await getJson(bucketOf(session), key, ArchivedExecution);
      return found === null ? [] : [await lineOf(session, found.value.execution)];
    }),
  );
  return [...lines, ...older.flat()].toSorted((a, b) => b.startedAt - a.startedAt);
}

const lineOf = async (session: Session, one: Known): Promise<RunLine> => ({
  name: one.name,
  status: one.status,
  startedAt: one.startDate.valueOf(),
  endedAt: one.stopDate?.valueOf() ?? null,
  redrives: one.redriveCount,
  isArchived: true,
  startedBy: await starterOf(session, one, one.input),
  summary: summaryOf(one.output, one.error),
});

/** Who started an execution, as its row says, or else its input. */
async function starterOf(
  session: Session,
  { name, startDate }: { name?: string; startDate?: Date },
  input: string | undefined,
): Promise<StarterView> {
  const row = startDate && (await storedRow(session, name ?? '', startDate));
  return starterView(row ?? claimed(input));
}

export const starterView = (starter: Starter): StarterView => ({
  text: describeStarter(starter),
  who: starter.started_by,
  source: starter.started_by_source,
  with: starter.started_with,
  claimed: starter.claimed_by,
  redrivenBy: starter.redriven_by,
});

const statusOf = (status: string | undefined): RunStatus =>
  ExecutionStatus.catch('FAILED').parse(status);

function summaryOf(output: string | undefined, error: string | undefined): string {
  if (error !== undefined) return error;
  return RunReport.safeParse(jsonOf(output)).data?.summary ?? '';
}

/** The archive's object of each execution's last end, by its name. */
const archives = (session: Session) => lastEnds(storedBelow(bucketOf(session), archiveFolder));

/** Everything about one run, from Step Functions or, if it no longer has it, from the archive. Throws Refused (404). */
export async function showRun(session: Session, name: string): Promise<RunView> {
  const live = (await listExecutions(session)).find((one) => one.name === name);
  if (live?.executionArn !== undefined) {
    const { executionArn } = live;
    const { sfn } = session.clients;
    const [described, events] = await Promise.all([
      sfn.send(new DescribeExecutionCommand({ executionArn })),
      historyOf(session, executionArn),
    ]);
    const execution = {
      executionArn,
      name,
      status: statusOf(described.status),
      startDate: described.startDate ?? new Date(0),
      stopDate: described.stopDate,
      redriveCount: described.redriveCount ?? 0,
      input: described.input ?? '{}',
      output: described.output,
      error: described.error,
      cause: described.cause,
    };
    return viewOf(session, execution, events, false);
  }
  const archived = (await archives(session)).get(name);
  const found = archived && (await getJson(bucketOf(session), archived.key, ArchivedExecution));
  if (!found) throw new Refused(404, `There is no run "${name}", and the archive has none.`);
  const { execution, events } = found.value;
  return viewOf(session, execution, events, true);
}

async function historyOf(session: Session, executionArn: string): Promise<HistoryEvent[]> {
  const events: HistoryEvent[] = [];
  const pages = paginateGetExecutionHistory(
    { client: session.clients.sfn, pageSize: 1000 },
    { executionArn },
  );
  for await (const page of pages) events.push(...(page.events ?? []));
  return events;
}

async function viewOf(
  session: Session,
  execution: Known,
  history: readonly HistoryEvent[],
  isArchived: boolean,
): Promise<RunView> {
  const events = history.map(simplify);
  const timeline = new Timeline();
  timeline.add(events);
  const bucket = bucketOf(session);
  const state = lastState(events);
  const { failure } = timeline;
  const hasFailed = execution.status !== 'RUNNING' && execution.status !== 'SUCCEEDED';
  const error = failure?.error ?? execution.error;
  const cause = readCause(failure?.cause ?? execution.cause ?? '');
  const report = RunReport.safeParse(jsonOf(execution.output)).data;
  return {
    name: execution.name,
    status: execution.status,
    startedAt: execution.startDate.valueOf(),
    endedAt: execution.stopDate?.valueOf() ?? null,
    redrives: execution.redriveCount,
    isArchived,
    startedBy: await starterOf(session, execution, execution.input),
    input: execution.input,
    output: execution.output ?? null,
    summary: summaryOf(execution.output, execution.error),
    stages: timeline.stages,
    ...withPayloads(visitsOf(history)),
    failure: hasFailed
      ? [
          ...(failure?.state ? [`The state "${failure.state}" failed.`] : []),
          `${error ?? execution.status}: ${cause}`,
          `When the cause is gone, go on from there: ${redriveCommand(execution.name, session.environment)}`,
        ]
      : [],
    sums: sumsOf(state),
    queries: state.ingest && state.ingest.status !== 'PENDING' ? state.ingest.queries : [],
    ingest: ingestOf(state),
    gate: gateOf(state.evaluation),
    drift: report?.drift ?? null,
    stream: report?.stream ? describeBacklog(report.stream) : null,
    modelInService: report?.modelInService ?? null,
    costs: costsOf(session, events, timeline, state.train),
    records: [
      {
        what: 'history in the archive',
        uri: uriOf(bucket, `${archiveFolder}${execution.name}-${execution.redriveCount}.json`),
      },
      ...(report ? [{ what: 'report', uri: report.reportUri }] : []),
      ...(state.train?.status === 'DONE'
        ? [
            { what: 'evaluation of its model', uri: state.train.evaluationUri },
            { what: 'manifest of its model', uri: state.train.manifestUri },
          ]
        : []),
    ],
  };
}

function ingestOf({ ingest }: ReturnType<typeof lastState>): RunView['ingest'] {
  if (ingest === undefined || ingest.status === 'PENDING') return null;
  const { gaps, open, month } = ingest;
  return { gaps, open, month };
}

/** The decision about the run's candidate; null where there is none, or none that this release can read. */
function gateOf(evaluation: unknown): RunView['gate'] {
  const { data } = EvaluateCandidateOutput.safeParse(evaluation);
  if (data === undefined) return null;
  const { promote, reasons, heldOutRows, minusChampion, minusLexicon } = data;
  const differences = [
    { what: 'minus the champion', found: minusChampion },
    { what: 'minus the lexicon', found: minusLexicon },
  ].flatMap(({ what, found }) => (found === null ? [] : [{ what, ...found }]));
  return { promote, reasons, heldOutRows, differences };
}

function costsOf(
  session: Session,
  events: RunEvent[],
  timeline: Timeline,
  train: ReturnType<typeof lastState>['train'],
): RunView['costs'] {
  const settings = billedSettings(session, train);
  const usage = usageOf({ events, timeline }, settings);
  return {
    lines: [...awsCosts(usage, settings), xCosts(usage, settings)],
    isReal: !session.usesXStub,
  };
}

function sumsOf({ ingest, clean }: ReturnType<typeof lastState>): RunView['sums'] {
  const sums: RunView['sums'] = [];
  if (ingest && ingest.status !== 'PENDING') {
    const { received, written, duplicates, quarantined } = ingest;
    sums.push({
      what: 'Tweets at the ingest',
      sum: `${count(received)} received = ${count(written)} written + ${count(duplicates)} duplicates + ${count(quarantined)} quarantined`,
      holds: received === written + duplicates + quarantined,
    });
  }
  if (clean?.status === 'DONE') {
    const { read, written, duplicates, quarantined } = clean.summary;
    sums.push({
      what: 'Rows at the cleaning',
      sum: `${count(read)} read = ${count(written)} written + ${count(duplicates)} duplicates + ${count(quarantined)} quarantined`,
      holds: read === written + duplicates + quarantined,
    });
  }
  return sums;
}

const pollMillis = 500;

/** The run's view at each change, until it has ended or the signal aborts. Asks only for events after the last. */
export async function* watchRun(
  session: Session,
  name: string,
  signal: AbortSignal,
): AsyncGenerator<RunView> {
  const { executionArn } = await findExecution(session, name);
  let seen = -1;
  while (!signal.aborted) {
    const { events = [] } = await session.clients.sfn.send(
      new GetExecutionHistoryCommand({ executionArn, reverseOrder: true, maxResults: 1 }),
    );
    const newest = events[0]?.id ?? 0;
    if (newest !== seen) {
      seen = newest;
      const view = await showRun(session, name);
      yield view;
      if (view.status !== 'RUNNING') return;
    }
    await sleep(pollMillis, undefined, { signal }).catch(() => undefined);
  }
}

/** Looked through for the newest run that ingested. */
const LATEST_RUNS = 5;

/** What the newest ingest left open; null if none of the latest runs has one. */
export async function newestIngest(
  session: Session,
): Promise<Pick<IngestTweetsOutput, 'gaps' | 'open'> | null> {
  const executions = await listExecutions(session);
  for (const { executionArn = '' } of executions.slice(0, LATEST_RUNS)) {
    const events = (await historyOf(session, executionArn)).map(simplify);
    const { ingest } = lastState(events);
    if (ingest && ingest.status !== 'PENDING') return ingest;
  }
  return null;
}
