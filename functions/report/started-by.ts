import { LookupEventsCommand } from '@aws-sdk/client-cloudtrail';
import type { CloudTrailClient } from '@aws-sdk/client-cloudtrail';
import { z } from 'zod';
import type { ExecutionRow } from '../../workflows/executions';
import { StartedBy } from '../../workflows/payloads';
import { jsonOf } from '../lake/unpack';
import type { Clock } from '../shared/clock';
import { log } from '../shared/step';

/** Where the command line and the console cannot say it: EventBridge. */
const EVENT_BRIDGE = 'events.amazonaws.com';
const EVENTS_A_PAGE = 50;
/** LookupEvents allows two requests a second in an account and region; one is left to people. */
const PAUSE_MS = 1000;
/** CloudTrail's clock and the one of Step Functions differ by less. */
const MARGIN_MS = 60_000;

/** A start or a redrive of an execution, as CloudTrail recorded it. */
export interface RecordedCall {
  executionArn: string;
  at: Date;
  /** ARN of the caller; for a service without one, its name. */
  who: string;
  isOfSchedule: boolean;
}

export type RecordedName = 'StartExecution' | 'RedriveExecution';

// The record's fields are described in CloudTrail's user guide ("CloudTrail record contents"); of a start by
// EventBridge, `invokedBy` and `sourceIPAddress` are from memory.
const Trail = z.object({
  eventTime: z.coerce.date(),
  userIdentity: z.object({
    type: z.string().optional(),
    arn: z.string().optional(),
    principalId: z.string().optional(),
    invokedBy: z.string().optional(),
  }),
  sourceIPAddress: z.string().optional(),
  errorCode: z.string().optional(),
  requestParameters: z.object({ executionArn: z.string().optional() }).nullish(),
  responseElements: z.object({ executionArn: z.string().optional() }).nullish(),
});

/** A call that succeeded; null for another one, or for a record of another shape. */
function recordedCall(text: string | undefined): RecordedCall | null {
  const parsed = Trail.safeParse(jsonOf(text));
  if (!parsed.success || parsed.data.errorCode !== undefined) return null;
  const { eventTime, userIdentity, sourceIPAddress, requestParameters, responseElements } =
    parsed.data;
  const { arn, invokedBy, principalId, type } = userIdentity;
  // A redrive names its execution in the request, a start gets it in the response.
  const executionArn = responseElements?.executionArn ?? requestParameters?.executionArn;
  const who = arn ?? invokedBy ?? principalId ?? type;
  if (executionArn === undefined || who === undefined) return null;
  return {
    executionArn,
    at: eventTime,
    who,
    isOfSchedule: invokedBy === EVENT_BRIDGE || sourceIPAddress === EVENT_BRIDGE,
  };
}

/**
 * The calls of one name between two times, newest first, at most `pages` × 50 of the account's. CloudTrail shows a call
 * up to 15 minutes later, and for 90 days. A lookup that is refused or throttled finds nothing and logs why: who started
 * a run is no reason to lose its archive.
 */
export async function callsBetween(
  { cloudTrail, clock }: { cloudTrail: CloudTrailClient; clock: Clock },
  name: RecordedName,
  { from, to }: { from: Date; to: Date },
  pages: number,
): Promise<RecordedCall[]> {
  const calls: RecordedCall[] = [];
  let NextToken: string | undefined;
  for (let page = 0; page < pages; page += 1) {
    if (page > 0) await clock.sleep(PAUSE_MS);
    try {
      const found = await cloudTrail.send(
        new LookupEventsCommand({
          LookupAttributes: [{ AttributeKey: 'EventName', AttributeValue: name }],
          StartTime: new Date(from.valueOf() - MARGIN_MS),
          EndTime: new Date(to.valueOf() + MARGIN_MS),
          MaxResults: EVENTS_A_PAGE,
          NextToken,
        }),
      );
      for (const { CloudTrailEvent } of found.Events ?? [])
        calls.push(...[recordedCall(CloudTrailEvent)].filter((call) => call !== null));
      NextToken = found.NextToken;
    } catch (error) {
      log({ lookupFailed: name, problem: error instanceof Error ? error.message : String(error) });
      return calls;
    }
    if (NextToken === undefined) return calls;
  }
  log({ lookupCut: name, from, to, pages });
  return calls;
}

export type Who = Pick<
  ExecutionRow,
  'started_by' | 'started_by_source' | 'started_with' | 'claimed_by' | 'redriven_by'
>;

/** One that does not fit the contract ended the execution at its first state; it may still say who. */
const Claim = z.object({
  startedBy: StartedBy.optional().catch(undefined),
  scheduledFor: z.string().optional().catch(undefined),
});

/** Who started an execution, as its input says; anybody who may start one can write anything there. */
export function claimedIn(input: string): Pick<Who, 'claimed_by' | 'started_with'> {
  // Step Functions refuses an input that is not JSON; an archive may hold a note in its place.
  const { startedBy, scheduledFor } = Claim.safeParse(jsonOf(input)).data ?? {};
  if (startedBy !== undefined) return { claimed_by: startedBy.who, started_with: startedBy.with };
  return scheduledFor === undefined
    ? { claimed_by: null, started_with: 'other' }
    : { claimed_by: 'EventBridge', started_with: 'schedule' };
}

/** Who started and redrove an execution: what CloudTrail says, else what the input claims (`claimedIn`). */
export function whoStarted(
  {
    executionArn,
    claim,
  }: { executionArn: string; claim: Pick<Who, 'claimed_by' | 'started_with'> },
  recorded: readonly RecordedCall[],
  redrives: readonly RecordedCall[],
): Who {
  const of = (calls: readonly RecordedCall[]) =>
    calls
      .filter((call) => call.executionArn === executionArn)
      .toSorted((a, b) => Number(a.at) - Number(b.at));
  // A repeated request with the same name and input gets the same answer and starts nothing: the first one counts.
  const [start] = of(recorded);
  const redriven_by = of(redrives).at(-1)?.who ?? null;
  if (start === undefined) {
    return {
      started_by: claim.claimed_by,
      started_by_source: claim.claimed_by === null ? 'unknown' : 'input',
      ...claim,
      redriven_by,
    };
  }
  // An input that only pretends to be of the schedule is of somebody else.
  const without = claim.started_with === 'schedule' ? 'other' : claim.started_with;
  return {
    started_by: start.who,
    started_by_source: 'CloudTrail',
    started_with: start.isOfSchedule ? 'schedule' : without,
    claimed_by: claim.claimed_by,
    redriven_by,
  };
}

/** What is known of who started and redrove an execution, of a row and of a later look: proof stays proof. */
export function whatIsProven(before: Who, found: Who): Who {
  const { started_by, started_by_source, started_with } =
    before.started_by_source === 'CloudTrail' && found.started_by_source !== 'CloudTrail'
      ? before
      : found;
  return {
    started_by,
    started_by_source,
    started_with,
    claimed_by: found.claimed_by,
    redriven_by: found.redriven_by ?? before.redriven_by,
  };
}

/** What CloudTrail has of one execution's start and redrives by now. */
export async function callsOf(
  deps: { cloudTrail: CloudTrailClient; clock: Clock },
  { startDate, redriveCount }: { startDate: Date; redriveCount: number },
): Promise<{ starts: RecordedCall[]; redrives: RecordedCall[] }> {
  return {
    // The account's starts of these two minutes.
    starts: await callsBetween(deps, 'StartExecution', { from: startDate, to: startDate }, 4),
    redrives:
      redriveCount === 0
        ? []
        : await callsBetween(
            deps,
            'RedriveExecution',
            { from: startDate, to: deps.clock.now() },
            4,
          ),
  };
}
