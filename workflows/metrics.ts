/** CloudWatch namespace of the pipeline's own metrics. */
export const metricNamespace = 'SentimentLake';

/** CloudWatch's name of a unit. `None` is a share from 0 to 1, or US dollars. */
type Unit = 'Count' | 'Seconds' | 'None';

interface Metric {
  readonly unit: Unit;
  /** A second dimension, beside `Lake`. */
  readonly by?: 'Stage' | 'Error';
}

/** All metrics that functions emit. Dashboard and alarms use no others. */
export const metrics = {
  /** Scheduled runs that completed their plan. */
  ScheduledRunsStarted: { unit: 'Count' },

  TweetsReceived: { unit: 'Count' },
  TweetsWritten: { unit: 'Count' },
  TweetsDuplicate: { unit: 'Count' },
  TweetsQuarantined: { unit: 'Count' },
  /** Windows that the ingest left incomplete. */
  WindowsLeftOpen: { unit: 'Count' },
  /** Time spans whose tweets X no longer returns. */
  IngestGaps: { unit: 'Count' },
  /** Records that Kinesis rejected and that the next ingest sends again. */
  RecordsQueued: { unit: 'Count' },
  /** Objects of the lake that a run could not read and skipped. */
  RawDataUnreadable: { unit: 'Count' },
  /** US dollars for posts and users read from X. */
  SpendUsd: { unit: 'None' },

  RowsPublished: { unit: 'Count' },
  /** Cleaned rows, by the source of their label. */
  HumanLabels: { unit: 'Count' },
  LexiconLabels: { unit: 'Count' },

  /** Stream records that are no tweets, and are in the quarantine. */
  StreamRecordsQuarantined: { unit: 'Count' },
  /** Stream records that came before the first model; a run scores their tweets when it has one. */
  StreamRecordsWithoutModel: { unit: 'Count' },

  /** At the end of a run: records that the stream scorer has not taken. */
  StreamBacklog: { unit: 'Count' },

  TrainingSeconds: { unit: 'Seconds' },
  CandidateMacroRecall: { unit: 'None' },
  /** Macro recall of the model in service after the run, on the run's held-out rows. */
  ServingMacroRecall: { unit: 'None' },
  /** Loss against the model's own promotion or, after a promotion, against its predecessor on the same rows. */
  MacroRecallLost: { unit: 'None' },
  /** The measure of drift that is furthest beyond its limit, as a share of the limit: above 1 the tweets have changed. */
  DriftOfLimit: { unit: 'None' },
  ModelsPromoted: { unit: 'Count' },
  TweetsScored: { unit: 'Count' },

  /** Predictions by label, from the stream and from the run. */
  PredictionsNegative: { unit: 'Count' },
  PredictionsNeutral: { unit: 'Count' },
  PredictionsPositive: { unit: 'Count' },

  /** From the execution's start to its report. */
  RunSeconds: { unit: 'Seconds' },
  /** Duration of one state, including the loop that polls its job. */
  StageSeconds: { unit: 'Seconds', by: 'Stage' },
  /** By error name. A run that timed out or was stopped counts under its status. */
  RunsFailed: { unit: 'Count', by: 'Error' },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof metrics;

export const isMetricName = (name: string): name is MetricName => Object.hasOwn(metrics, name);

/** The metric's second dimension, if it has one. */
export function dimensionOf(name: MetricName): 'Stage' | 'Error' | undefined {
  const metric: Metric = metrics[name];
  return metric.by;
}
