import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { Label } from '../../workflows/evaluation';
import type { Champion, RunState } from '../../workflows/payloads';
import { stepOfState } from '../../workflows/steps';
import type { MetricValues } from '../shared/metrics';
import { unreadableIn } from './run-summary';

/**
 * What a run that reached its report has to show, stage by stage; a stage that did not run shows nothing.
 * `champion` is the model in service after the run.
 */
export function runMetrics(state: RunState, champion: Champion | null, now: Date): MetricValues {
  const { plan, clean, publish, train, refresh } = state;
  if (plan.skip !== null) {
    return {};
  }
  return {
    ...ingestMetrics(state),
    ...(clean.status === 'DONE' && {
      HumanLabels: clean.summary.human_labels,
      LexiconLabels: clean.summary.lexicon_labels,
    }),
    ...(publish.status === 'DONE' && {
      RowsPublished: publish.published.reduce((sum, { rows }) => sum + rows, 0),
    }),
    ...(train.status === 'DONE' && { TrainingSeconds: train.seconds }),
    RawDataUnreadable: unreadableIn(state).length,
    ...modelMetrics(state, champion),
    ...(refresh.status === 'DONE' && { TweetsScored: refresh.scored }),
    RunSeconds: (now.valueOf() - Date.parse(plan.startedAt)) / 1000,
  };
}

function ingestMetrics({ ingest }: RunState): MetricValues {
  if (ingest.status === 'PENDING') {
    return {};
  }
  return {
    TweetsReceived: ingest.received,
    TweetsWritten: ingest.written,
    TweetsDouble: ingest.doubles,
    TweetsQuarantined: ingest.quarantined,
    WindowsLeftOpen: ingest.open.length,
    IngestGaps: ingest.gaps.length,
    RecordsParked: ingest.parked,
    SpendUsd: ingest.spendUsd,
  };
}

/** Held-out rows change from night to night: what is compared was measured on the same rows where it can be. */
function modelMetrics({ evaluation }: RunState, champion: Champion | null): MetricValues {
  if (!('promote' in evaluation) || evaluation.candidate === null) {
    return {};
  }
  const candidate = evaluation.candidate.macro_recall;
  const figures = { CandidateMacroRecall: candidate, ModelsPromoted: evaluation.promote ? 1 : 0 };
  if (evaluation.promote) {
    return {
      ...figures,
      ServingMacroRecall: candidate,
      ...(evaluation.champion && { MacroRecallLost: evaluation.champion.macro_recall - candidate }),
    };
  }
  if (evaluation.champion === null) {
    return figures;
  }
  const serving = evaluation.champion.macro_recall;
  return {
    ...figures,
    ServingMacroRecall: serving,
    ...(champion?.macroRecall !== undefined && { MacroRecallLost: champion.macroRecall - serving }),
  };
}

/** How often each verdict was given. */
export function predictionMetrics(rows: readonly { label: Label }[]): MetricValues {
  const count = (label: Label) => rows.filter((row) => row.label === label).length;
  return rows.length === 0
    ? {}
    : {
        VerdictsNegative: count('negative'),
        VerdictsNeutral: count('neutral'),
        VerdictsPositive: count('positive'),
      };
}

/** Ends of an execution, after which the time that passes is nobody's work. */
const ENDINGS = [
  'ExecutionFailed',
  'ExecutionTimedOut',
  'ExecutionAborted',
  'ExecutionSucceeded',
] as const satisfies HistoryEvent['type'][];

/**
 * Seconds per stage, by the name of the stage's state: from where its step was first entered to where the
 * next was, the waits of its loop included. Of a redriven execution only what came after the last redrive
 * counts: what came before was told when it ended the time before.
 */
export function stageSeconds(events: readonly HistoryEvent[]): Map<string, number> {
  const seconds = new Map<string, number>();
  let current: { stage: string; since: number } | null = null;
  let lastStage: string | null = null;
  for (const { type, timestamp, stateEnteredEventDetails } of events) {
    if (timestamp === undefined) continue;
    const now = timestamp.valueOf();
    if (type === 'ExecutionRedriven') {
      seconds.clear();
      // The failed state goes on; that it is entered is not said again.
      current = lastStage === null ? null : { stage: lastStage, since: now };
      continue;
    }
    const entered = stepOfState(stateEnteredEventDetails?.name)?.state;
    const hasEnded = ENDINGS.some((ending) => ending === type);
    if (entered === undefined && !hasEnded) continue;
    if (current !== null) {
      const passed = (now - current.since) / 1000;
      seconds.set(current.stage, (seconds.get(current.stage) ?? 0) + passed);
    }
    current = entered === undefined ? null : { stage: entered, since: now };
    lastStage = entered ?? lastStage;
  }
  return seconds;
}
