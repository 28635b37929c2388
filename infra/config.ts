import { z } from 'zod';
import { settingsOfFunctions } from '../functions/settings/environment';
import { perPollingKey } from '../workflows/steps';
import { FunctionSettings } from '../functions/settings/settings';
import { BucketName } from './bucket-name';

/** The retentions that CloudWatch Logs supports, up to two years. */
const LogRetentionDays = z.literal([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731]);

/** Thresholds of the alarms. docs/runbook.md has an entry for each alarm. */
const Alarms = z.strictObject({
  /**
   * Alarm if no nightly run has started for this many hours: a day plus two hours of slack, for a daily schedule.
   * CloudWatch evaluates at most a week.
   */
  runOverdueHours: z.number().int().min(25).max(168),
  /** Alarm if a run takes longer, in hours. Only `runTimeoutHours` ends it. */
  runHours: z.number().positive(),
  /** Alarm if no new tweet was stored for this many hours. */
  ingestGapHours: z.number().int().min(1).max(168),
  /** Alarm if no pull was complete for this many days. X's search reaches back seven days; older tweets are lost. */
  openWindowDays: z.number().int().min(1).max(6),
  /** Highest share of quarantined tweets, from 0 to 1, in runs that received at least `minTweets`. */
  quarantine: z.strictObject({
    maxShare: z.number().gt(0).lt(1),
    minTweets: z.number().int().positive(),
  }),
  /** Lowest macro recall of the model in service, and the largest loss of recall, both from 0 to 1. */
  macroRecall: z.strictObject({
    atLeast: z.number().gt(0).lt(1),
    maxLost: z.number().gt(0).lt(1),
  }),
  /** Longest response time of the model in seconds: the 99th percentile of five minutes. */
  modelLatencySeconds: z.number().positive(),
  /** Longest time in minutes that a stream record waits for scoring. */
  iteratorAgeMinutes: z.number().int().positive(),
});

/**
 * Who may assume a role: ARNs of this account's roles and users, or `account` for everyone in the account whom IAM
 * allows sts:AssumeRole.
 */
export const People = z.union([
  z.literal('account'),
  z.array(
    z
      .string()
      .regex(
        /^arn:aws[a-z-]*:iam::\d{12}:(role|user)\/[\w+=,.@/-]+$/,
        'must be the ARN of a role or user',
      ),
  ),
]);
export type People = z.infer<typeof People>;

/** Settings of one environment: everything that an operator may change. */
const Settings = z.strictObject({
  /**
   * Name of the lake's bucket; null lets CloudFormation generate one. Names are global, so another account may already
   * have the name. Do not change it later: CloudFormation would create another, empty bucket.
   */
  bucketName: BucketName.nullable(),
  /** Nightly start, EventBridge cron in UTC; the rule exists disabled when `enabled` is false. */
  nightly: z.strictObject({ cron: z.string(), enabled: z.boolean() }),
  /** Minutes between two runs of mode `ingest`; null leaves the rule disabled at 15. */
  ingestEveryMinutes: z.number().int().min(5).nullable(),
  // The settings that functions read are declared in functions/.
  ...FunctionSettings.shape,
  /**
   * Who may assume which role. Analysts query Athena as AnalyticsRole. Labellers import labels, corpora and tweets as
   * LabellerRole. Forgetters erase tweets as ForgetterRole, which is only created if somebody may assume it. Force
   * granters let one execution promote a model that the gate refuses, as ForceGranterRole. People who label by hand or
   * start runs must be analysts, too, because they see tweets. docs/permissions.md, "People and commands".
   */
  people: z.strictObject({
    analysts: People,
    labellers: People,
    forgetters: People,
    forceGranters: People,
  }),
  glue: z.strictObject({
    workerType: z.enum(['G.1X', 'G.2X']),
    workers: z.number().int().min(2),
    timeoutMinutes: z.number().int(),
  }),
  /**
   * The package index for PyTorch, and only PyTorch, in the build of the training image: PyTorch's own index of CPU
   * packages, checked by their hashes. null uses Python's registry, whose package contains CUDA: several unused GB.
   */
  torchIndexUrl: z.url().nullable(),
  logRetentionDays: LogRetentionDays,
  /** Whether the data stack has termination protection. */
  protectData: z.boolean(),
  /** Bytes that one Athena query may scan before it is cancelled; Athena bills scanned bytes. */
  athenaScanLimitBytes: z.number().int().min(10_000_000),
  /** E-mail address for failure reports; null leaves the topic without a subscriber. */
  alarmEmail: z.email().nullable(),
  alarms: Alarms,
  /** AWS budget in US dollars a month, without X's charges; null creates no budget. */
  monthlyBudgetUsd: z.number().positive().nullable(),
  /** Hours after which the state machine ends an execution. */
  runTimeoutHours: z.number().positive(),
});
export type Settings = z.infer<typeof Settings>;

export const EnvironmentName = z.enum(['local', 'dev', 'prod']);
export type EnvironmentName = z.infer<typeof EnvironmentName>;

const base = {
  bucketName: null,
  nightly: { cron: 'cron(15 2 * * ? *)', enabled: false },
  ingestEveryMinutes: null,
  x: {
    apiBaseUrl: 'https://api.x.com/2/',
    // A narrow topic instead of everyday words: X charges for each post.
    queries: [{ name: 'keywords', keywords: ['electric car', 'electric cars', 'ev charging'] }],
    language: 'en',
    excludeRetweets: true,
    operators: 'core',
    // 500 x $0.005 = $2.50 a run at most, and four such weeks a month.
    maxTweetsPerRun: 500,
    maxTweetsPerMonth: 15_000,
    lateTweetSeconds: 30,
    // An author costs twice as much as a post and is only needed for names in reports: posts contain author ids.
    authorNames: false,
    usdPerPost: 0.005,
    usdPerUser: 0.01,
  },
  people: {
    analysts: 'account',
    labellers: 'account',
    forgetters: 'account',
    forceGranters: 'account',
  },
  poll: perPollingKey((seconds) => seconds),
  glue: { workerType: 'G.1X', workers: 2, timeoutMinutes: 60 },
  checks: { maxLabelShare: 0.95, minRowsForShare: 50 },
  model: { languages: ['en'] },
  registry: { keepModels: 10, keepRejectedDays: 90 },
  training: {
    instanceType: 'ml.m5.xlarge',
    maxSeconds: 3600,
    spot: false,
    maxWaitSeconds: 2 * 3600,
    volumeGb: 10,
    // Some five million tweets; a training uses at most three for each human label.
    tweetsGb: 2,
    // With int8, a tweet's probabilities depend slightly on the other tweets of its batch.
    serves: 'fp32',
    int8Tolerance: 0.005,
  },
  evaluation: {
    minHeldOutRows: 200,
    minHeldOutPerClass: 30,
    level: 0.95,
    tolerance: 0.01,
    bestOfDays: 90,
    behaviourTolerance: 0.05,
    // With 171 held-out neutral rows, two trainings on the same data differ by 4 points (one standard error).
    maxRecallDrop: 0.1,
    forceGrantHours: 24,
  },
  endpoint: {
    kind: 'serverless',
    instanceType: 'ml.c6i.large',
    instances: 1,
    memoryMb: 3072,
    maxConcurrency: 5,
  },
  scoring: {
    endpointTweets: 5000,
    instanceType: 'ml.m5.xlarge',
    instances: 1,
    // One instance scores some thousand tweets a second: 8 million take about an hour.
    maxSeconds: 3 * 3600,
  },
  drift: {
    days: 3,
    referenceDays: 28,
    minTweets: 200,
    maxPsi: 0.2,
    maxWordPsi: 0.5,
    maxAgreementLoss: 0.1,
    retrain: false,
    retrainEveryDays: 7,
  },
  torchIndexUrl: null,
  logRetentionDays: 90,
  protectData: false,
  // docs/retention.md gives the reason for each number.
  keepDays: {
    tweets: 365,
    replacedSnapshots: 30,
    scored: 365,
    labels: 730,
    quarantine: 30,
    imports: 30,
    pages: 90,
    queryResults: 30,
    audit: 730,
    noncurrentVersions: 30,
  },
  athenaScanLimitBytes: 10_000_000_000,
  alarmEmail: null,
  alarms: {
    runOverdueHours: 26,
    runHours: 3,
    ingestGapHours: 50,
    openWindowDays: 3,
    quarantine: { maxShare: 0.05, minTweets: 100 },
    // Guessing among three classes gives 0.33; the lexicon reaches 0.70 on the bundled corpus.
    macroRecall: { atLeast: 0.6, maxLost: 0.05 },
    // The first response of a serverless endpoint waits for its container.
    modelLatencySeconds: 30,
    iteratorAgeMinutes: 60,
  },
  monthlyBudgetUsd: 50,
  runTimeoutHours: 6,
} satisfies Settings;

const everydayWords = 'the i a to you and is it my of in for that so this me on but'.split(' ');

const environments: Record<EnvironmentName, Settings> = {
  local: {
    ...base,
    x: {
      ...base.x,
      // Frequent English words, because the bundled corpus is everyday speech without a topic.
      queries: [{ name: 'keywords', keywords: everydayWords }],
      maxTweetsPerRun: 5000,
      // The X API stub charges nothing.
      maxTweetsPerMonth: null,
      authorNames: true,
    },
    // A history of 25,000 events is full after 2,500 polls of a job: here after an hour and a half.
    poll: { ...perPollingKey(() => 1), clean: 2, train: 2 },
    // Here a transform job starts within seconds, and every local lake tries what an account does with many tweets.
    scoring: { ...base.scoring, endpointTweets: 200 },
    monthlyBudgetUsd: null,
  },
  // Runs in dev can wait for spot capacity, and training costs about a third.
  dev: { ...base, training: { ...base.training, spot: true } },
  prod: {
    ...base,
    nightly: { ...base.nightly, enabled: true },
    // 2,000 x $0.005 = $10 a run at most.
    x: { ...base.x, maxTweetsPerRun: 2000, maxTweetsPerMonth: 60_000 },
    // Nobody until you add people here.
    people: { analysts: [], labellers: [], forgetters: [], forceGranters: [] },
    endpoint: { ...base.endpoint, kind: 'realtime', instances: 2 },
    protectData: true,
    logRetentionDays: 365,
    alarms: { ...base.alarms, modelLatencySeconds: 2 },
    // Most of it pays for the two endpoint instances, which always run.
    monthlyBudgetUsd: 300,
  },
};

/** Settings that `-c name=value` on the command line may change. */
export interface Overrides {
  readonly xApiBaseUrl?: string;
  readonly torchIndexUrl?: string;
  /** JSON of any settings, as `{"poll":{"train":1}}`: objects are merged, everything else is replaced. */
  readonly settings?: string;
  readonly bucketName?: string;
}

const JsonObject = z.record(z.string(), z.unknown());

/** Parses `-c settings=…`. Throws Error when it is not a JSON object. */
function parseSettings(text: string): z.infer<typeof JsonObject> {
  try {
    return JsonObject.parse(JSON.parse(text));
  } catch {
    throw new Error(
      `-c settings must be a JSON object like {"poll":{"train":1}}, but it is ${text.slice(0, 200)}`,
    );
  }
}

function merged(base: unknown, changes: unknown): unknown {
  const [below, above] = [JsonObject.safeParse(base), JsonObject.safeParse(changes)];
  if (!below.success || !above.success) return changes;
  const names = Object.entries(above.data).map(([name, value]) => [
    name,
    name in below.data ? merged(below.data[name], value) : value,
  ]);
  return { ...below.data, ...Object.fromEntries(names) };
}

/**
 * Lambda allows 4,096 bytes of environment variables ("Lambda quotas"), measured as JSON, in which each quotation mark
 * of SETTINGS counts twice. The rest is for a function's other variables.
 */
export const MAX_SETTINGS_BYTES = 2_800;

/** Bytes that a function's settings need in its environment variables, as Lambda measures them. */
export const settingsBytes = (settings: Settings, sections: readonly (keyof Settings)[]): number =>
  Buffer.byteLength(
    JSON.stringify(
      JSON.stringify(Object.fromEntries(sections.map((name) => [name, settings[name]]))),
    ),
  );

/** Throws Error when a function's settings are too large for its environment variables. */
function checkSizes(settings: Settings): Settings {
  for (const [name, sections] of Object.entries(settingsOfFunctions)) {
    const bytes = settingsBytes(settings, sections);
    if (bytes <= MAX_SETTINGS_BYTES) continue;
    const [largest = ''] = [...sections].sort(
      (one, other) => settingsBytes(settings, [other]) - settingsBytes(settings, [one]),
    );
    const most = largest === 'x' ? 'x.queries' : largest;
    throw new Error(
      `The settings that ${name} reads (${sections.join(', ')}) are ${bytes} bytes, but Lambda's variables have room for ` +
        `${MAX_SETTINGS_BYTES}: shorten ${most} in infra/config.ts or -c settings`,
    );
  }
  return settings;
}

/** The settings of an environment, with overrides applied. Throws Error that names an invalid field. */
export function settingsFor(env: string, overrides: Overrides = {}): Settings {
  const settings = Settings.parse(
    merged(environments[EnvironmentName.parse(env)], parseSettings(overrides.settings ?? '{}')),
  );
  const complete = Settings.parse({
    ...settings,
    x: { ...settings.x, apiBaseUrl: overrides.xApiBaseUrl ?? settings.x.apiBaseUrl },
    torchIndexUrl: overrides.torchIndexUrl ?? settings.torchIndexUrl,
    bucketName: overrides.bucketName ?? settings.bucketName,
  });
  return checkSizes(complete);
}
