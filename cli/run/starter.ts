import { hostname, userInfo } from 'node:os';
import { DescribeExecutionCommand } from '@aws-sdk/client-sfn';
import { GetCallerIdentityCommand } from '@aws-sdk/client-sts';
import { getJson } from '../../functions/lake/objects';
import { inParallel } from '../../functions/shared/in-parallel';
import { claimedIn, whoStarted, type Who } from '../../functions/report/started-by';
import type { Session } from '../../session/session';
import { ExecutionRow, executionRowKey } from '../../workflows/executions';
import type { StartedBy } from '../../workflows/payloads';

/** Who started an execution: a row's columns. */
export type Starter = Who;

const AT_ONCE = 16;
const LONGEST = 256;

/**
 * What this process writes into the input of the executions that it starts: in an account its own ARN, on this machine
 * user and host. Signs that are not printable ASCII become question marks.
 */
export async function claimOf(session: Session, by: StartedBy['with']): Promise<StartedBy> {
  const who = session.endpoint === null ? await ownArn(session) : `${userName()}@${hostname()}`;
  return { who: who.replace(/[^\x20-\x7e]/g, '?').slice(0, LONGEST), with: by };
}

async function ownArn({ clients }: Session): Promise<string> {
  const { Arn } = await clients.sts.send(new GetCallerIdentityCommand({}));
  return Arn ?? 'unknown';
}

function userName(): string {
  try {
    return userInfo().username;
  } catch {
    // A container may run as a user that no file names.
    return 'unknown';
  }
}

/**
 * Who started executions, in their order: as their rows in the lake say, and where there is none yet, as their inputs
 * claim. Reads the rows as AnalyticsRole.
 */
export const startersOf = (
  session: Session,
  executions: readonly { name?: string; executionArn?: string; startDate?: Date }[],
): Promise<Starter[]> =>
  inParallel(AT_ONCE, executions, async ({ name = '', executionArn = '', startDate }) => {
    const row = startDate && (await storedRow(session, name, startDate));
    if (row) return row;
    const { input } = await session.clients.sfn.send(
      new DescribeExecutionCommand({ executionArn }),
    );
    return claimed(input);
  });

/** Who started an execution, as its input claims. */
export const claimed = (input: string | undefined): Starter =>
  whoStarted({ executionArn: '', claim: claimedIn(input ?? '{}') }, [], []);

/** The row of an execution; null before it was archived. Reads as AnalyticsRole. */
export async function storedRow(
  { people, outputs }: Session,
  name: string,
  startedAt: Date,
): Promise<ExecutionRow | null> {
  const lake = { s3: people.analyst.s3, bucket: outputs.BucketName };
  const found = await getJson(lake, executionRowKey(name, startedAt), ExecutionRow);
  return found?.value ?? null;
}

/** `assumed-role/Admin/ada` of an ARN; another text as it is. */
const short = (who: string): string => /^arn:[^:]*:(?:iam|sts)::\d+:(.+)$/.exec(who)?.[1] ?? who;

/** Who started an execution, in some words; says what is only claimed. */
export function describeStarter(starter: Starter): string {
  const { started_by, started_by_source, started_with, claimed_by } = starter;
  if (started_by === null) return 'unknown';
  const who = started_with === 'schedule' ? 'schedule' : short(started_by);
  if (started_by_source === 'input') return `${who}, says the input`;
  const says = started_with === 'schedule' || claimed_by === null || claimed_by === started_by;
  return says ? who : `${who}, in the input ${short(claimed_by)}`;
}
