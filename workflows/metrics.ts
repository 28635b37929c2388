/** Where CloudWatch keeps the pipeline's own metrics: what AWS's services do not count for us. */
export const metricNamespace = 'SentimentLake';

/** CloudWatch's own spelling of a unit; `None` is a share from 0 to 1, or US dollars. */
type Unit = 'Count' | 'Seconds' | 'None';

interface Metric {
  readonly unit: Unit;
  /** The dimension beside `Lake`, where a metric has one. */
  readonly by?: 'Stage' | 'Error';
}

/** Every metric that a function emits, and all that the dashboard and the alarms may name. */
export const metrics = {
  /** A night that the schedule started and that got as far as its plan. */
  NightsStarted: { unit: 'Count' },

  TweetsReceived: { unit: 'Count' },
  TweetsWritten: { unit: 'Count' },
  TweetsDouble: { unit: 'Count' },
  TweetsQuarantined: { unit: 'Count' },
  /** Windows that the ingest left before they were whole. */
  WindowsLeftOpen: { unit: 'Count' },
  /** Stretches whose tweets can no longer be had. */
  IngestGaps: { unit: 'Count' },
  /** Records that the stream refused and that wait in the lake. */
  RecordsParked: { unit: 'Count' },
  /** Objects of the lake that a run could not read, and went on without. */
  RawDataUnreadable: { unit: 'Count' },
  /** US dollars for the posts read at X. */
  SpendUsd: { unit: 'None' },

  RowsPublished: { unit: 'Count' },
  /** Rows cleaned with a label that people gave, and with one of the lexicon. */
  HumanLabels: { unit: 'Count' },
  LexiconLabels: { unit: 'Count' },

  TrainingSeconds: { unit: 'Seconds' },
  CandidateMacroRecall: { unit: 'None' },
  /** Of the model that serves after the run, on the run's held-out rows. */
  ServingMacroRecall: { unit: 'None' },
  /** How much lower that is than before: than at its promotion, or than its predecessor on the same rows. */
  MacroRecallLost: { unit: 'None' },
  ModelsPromoted: { unit: 'Count' },
  TweetsScored: { unit: 'Count' },

  /** Verdicts of the model, from the stream and from the run. */
  VerdictsNegative: { unit: 'Count' },
  VerdictsNeutral: { unit: 'Count' },
  VerdictsPositive: { unit: 'Count' },

  /** From the execution's start to its report. */
  RunSeconds: { unit: 'Seconds' },
  /** One state of the machine and the loop that waits for its job. */
  StageSeconds: { unit: 'Seconds', by: 'Stage' },
  /** By error name; a run that timed out or was stopped counts under its status. */
  RunsFailed: { unit: 'Count', by: 'Error' },
} as const satisfies Record<string, Metric>;

export type MetricName = keyof typeof metrics;

export const isMetricName = (name: string): name is MetricName => Object.hasOwn(metrics, name);

/** The dimension that a metric has beside `Lake`, if any. */
export function dimensionOf(name: MetricName): 'Stage' | 'Error' | undefined {
  const metric: Metric = metrics[name];
  return metric.by;
}
