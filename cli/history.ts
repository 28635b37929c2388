import { paginateGetExecutionHistory } from '@aws-sdk/client-sfn';
import { readChampion } from '../functions/model/champion';
import { describeMark, readForgottenMark } from '../functions/model/forgotten-mark';
import { readCause } from '../functions/report/execution-history';
import type { Session } from '../session/session';
import { renderTable } from './athena';
import { firstRun } from './hints';
import { sayJson, seconds, type Screen } from './screen';
import { eventsAfter } from './run/events';
import { executionName, stageLine } from './run/follow';
import { redriveCommand } from './run/failure';
import { findExecution, listExecutions } from './run/launch';
import { claimed, describeStarter, startersOf } from './run/starter';
import { Timeline } from './run/timeline';

const shown = 25;

/**
 * Executions whose starter is looked up for JSON; of older ones it is null. Without a row each needs a DescribeExecution,
 * of which Step Functions allows a few hundred at once (from memory: a bucket of 300, filled by 15 a second).
 */
const STARTERS = 200;

/**
 * The newest executions; as JSON all of them: `{"execution", "status", "started", "ended", "redrives", "startedBy",
 * "startedBySource", "startedWith", "claimedBy", "redrivenBy"}`.
 */
export async function printExecutions(
  session: Session,
  screen: Screen,
  asJson: boolean,
): Promise<void> {
  const executions = await listExecutions(session);
  if (asJson) {
    const starters = await startersOf(session, executions.slice(0, STARTERS));
    sayJson(
      screen,
      executions.map(({ name, status, startDate, stopDate, redriveCount }, place) => ({
        execution: name,
        status,
        started: startDate ?? null,
        ended: stopDate ?? null,
        redrives: redriveCount ?? 0,
        startedBy: starters[place]?.started_by ?? null,
        startedBySource: starters[place]?.started_by_source ?? null,
        startedWith: starters[place]?.started_with ?? null,
        claimedBy: starters[place]?.claimed_by ?? null,
        redrivenBy: starters[place]?.redriven_by ?? null,
      })),
    );
    return;
  }
  if (executions.length === 0) {
    screen.say(`No execution yet. The first one: ${firstRun(session.environment)}`);
    return;
  }
  const newest = executions.slice(0, shown);
  const starters = await startersOf(session, newest);
  const rows = newest.map(({ name, status, startDate, stopDate, redriveCount }, place) => [
    name ?? '',
    status ?? '',
    startDate?.toISOString().slice(0, 19).replace('T', ' ') ?? '',
    startDate && stopDate ? seconds(Number(stopDate) - Number(startDate)) : '',
    String(redriveCount ?? 0),
    describeStarter(starters[place] ?? claimed(undefined)),
  ]);
  screen.say(
    renderTable({
      columns: ['execution', 'status', 'started (UTC)', 'took', 'redriven', 'started by'],
      rows,
    }),
  );
  await sayIfModelIsMarked(session, screen);
}

/** The model in service may have learnt from what the lake was told to forget. */
async function sayIfModelIsMarked({ people, outputs }: Session, screen: Screen): Promise<void> {
  const bucket = { s3: people.analyst.s3, bucket: outputs.BucketName };
  const champion = (await readChampion(bucket))?.value.modelVersion;
  const mark = champion === undefined ? null : await readForgottenMark(bucket, champion);
  if (mark)
    screen.say(
      `The model in service, ${champion}, ${describeMark(mark)}. A retrain makes one that was not.`,
    );
}

/** The stages of one execution and their results; as JSON `{"execution", "status", "startedBy", …, "stages", "failure"}`. */
export async function printExecution(
  session: Session,
  screen: Screen,
  nameOrArn: string,
  asJson: boolean,
): Promise<void> {
  const execution = await findExecution(session, nameOrArn);
  const { executionArn = '', status } = execution;
  const [starter = claimed(undefined)] = await startersOf(session, [execution]);
  const events = await eventsAfter(session.clients.sfn, executionArn, 0);
  const timeline = new Timeline();
  timeline.add(events);
  if (asJson) {
    sayJson(screen, {
      execution: executionName(executionArn),
      status,
      startedBy: starter.started_by,
      startedBySource: starter.started_by_source,
      startedWith: starter.started_with,
      claimedBy: starter.claimed_by,
      redrivenBy: starter.redriven_by,
      stages: timeline.stages.map(({ name, status: outcome, startedAt, endedAt, text }) => ({
        name,
        status: outcome,
        started: new Date(startedAt),
        ended: endedAt === null ? null : new Date(endedAt),
        result: text,
      })),
      failure: timeline.failure && {
        ...timeline.failure,
        cause: readCause(timeline.failure.cause),
      },
    });
    return;
  }
  screen.say(`${executionName(executionArn)}  ${status}  (${events.length} events)`);
  screen.say(`Started by ${describeStarter(starter)} (${starter.started_with})`);
  for (const stage of timeline.stages) screen.say(stageLine(stage, screen.hasColours));
  const { failure } = timeline;
  if (!failure || status === 'RUNNING') return;
  screen.say(`${failure.error}: ${readCause(failure.cause)}`);
  screen.say(
    `Go on from there: ${redriveCommand(executionName(executionArn), session.environment)}`,
  );
}

/** Every event as Step Functions tells it, for `history.json`. */
export async function rawHistory({ clients }: Session, executionArn: string): Promise<unknown[]> {
  const events: unknown[] = [];
  const pages = paginateGetExecutionHistory(
    { client: clients.sfn, pageSize: 1000 },
    { executionArn },
  );
  for await (const page of pages) events.push(...(page.events ?? []));
  return events;
}
