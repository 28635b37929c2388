import type { HistoryEvent } from '@aws-sdk/client-sfn';
import type { Label } from '../../workflows/evaluation';
import { publishedIn } from '../../workflows/payloads';
import type { Champion, RunState } from '../../workflows/payloads';
import { stepOfState } from '../../workflows/steps';
import type { MetricValues } from '../shared/metrics';
import { unreadableIn } from './run-summary';

/**
 * Metrics of a run that reached its report, stage by stage; a skipped stage has none. `champion` is the model in
 * service after the run.
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
      RowsPublished: publishedIn(publish).rows,
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
    TweetsDuplicate: ingest.duplicates,
    TweetsQuarantined: ingest.quarantined,
    WindowsLeftOpen: ingest.open.length,
    IngestGaps: ingest.gaps.length,
    RecordsQueued: ingest.queued,
    SpendUsd: ingest.spendUsd,
  };
}

/** Held-out rows change between runs, so models are compared on the same rows where possible. */
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

/** Number of predictions per label. */
export function predictionMetrics(rows: readonly { label: Label }[]): MetricValues {
  const count = (label: Label) => rows.filter((row) => row.label === label).length;
  return rows.length === 0
    ? {}
    : {
        PredictionsNegative: count('negative'),
        PredictionsNeutral: count('neutral'),
        PredictionsPositive: count('positive'),
      };
}

/** Events that end an execution; time after them belongs to no stage. */
const ENDINGS = [
  'ExecutionFailed',
  'ExecutionTimedOut',
  'ExecutionAborted',
  'ExecutionSucceeded',
] as const satisfies HistoryEvent['type'][];

/**
 * Seconds per stage, by the name of its state: from its first entry to the next stage's, including the waits of its
 * loop. For a redriven execution only the time after the last redrive counts; the earlier end reported the rest.
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
      // A redrive resumes the failed state without a new entry event.
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
