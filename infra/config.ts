import { z } from 'zod';
import { settingsOfFunctions } from '../functions/settings/environment';
import { perPollingKey } from '../workflows/steps';
import { FunctionSettings } from '../functions/settings/settings';
import { BucketName } from './bucket-name';

/** The retentions that CloudWatch Logs knows, up to two years. */
const LogRetentionDays = z.literal([1, 3, 5, 7, 14, 30, 60, 90, 120, 150, 180, 365, 400, 545, 731]);

/** When somebody is told. docs/runbook.md has an entry for each alarm. */
const Alarms = z.strictObject({
  /** Hours without a night that began; a night a day leaves two to spare. CloudWatch looks back a week at most. */
  nightOverdueHours: z.number().int().min(25).max(168),
  /** Hours that a run may take; it is ended only after `runTimeoutHours`. */
  runHours: z.number().positive(),
  /** Hours without a single new tweet. */
  ingestGapHours: z.number().int().min(1).max(168),
  /** Days on which no pull was whole; X reaches back seven, and what is older is lost. */
  openWindowDays: z.number().int().min(1).max(6),
  /** Share of the received tweets that may be quarantined, in runs with at least `minTweets`. */
  quarantine: z.strictObject({
    maxShare: z.number().gt(0).lt(1),
    minTweets: z.number().int().positive(),
  }),
  /** Macro recall of the model in service, and how much of it may be lost, both from 0 to 1. */
  macroRecall: z.strictObject({
    atLeast: z.number().gt(0).lt(1),
    maxLost: z.number().gt(0).lt(1),
  }),
  /** Seconds the model may take for an answer, in the 99th percentile of five minutes. */
  modelLatencySeconds: z.number().positive(),
  /** Minutes that a record of the stream may wait to be scored. */
  iteratorAgeMinutes: z.number().int().positive(),
});

/**
 * Who may take on a role: ARNs of this account's roles and users, or `account`, which leaves it to IAM
 * whom of the account it lets call sts:AssumeRole.
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

/** Settings of one environment. Everything an operator may change is here, and nowhere else. */
const Settings = z.strictObject({
  /**
   * Name of the lake's bucket; null leaves it to CloudFormation. Names are global: one that somebody else has cannot be
   * had. It is chosen once: with another name CloudFormation would make another, empty bucket.
   */
  bucketName: BucketName.nullable(),
  /** Nightly start, EventBridge cron in UTC; the rule exists disabled when `enabled` is false. */
  nightly: z.strictObject({ cron: z.string(), enabled: z.boolean() }),
  /** Minutes between two runs of mode `ingest`; null leaves the rule disabled at 15. */
  ingestEveryMinutes: z.number().int().min(5).nullable(),
  // What functions read is declared where they read it.
  ...FunctionSettings.shape,
  /**
   * Analysts ask Athena as AnalyticsRole; labellers put labels, corpora and tweets of their own into the lake as
   * LabellerRole; forgetters take tweets out of it as ForgetterRole, which is not even made while nobody may assume it;
   * force granters let one execution promote what the gate refuses, as ForceGranterRole. Who labels by hand is shown
   * tweets, and who starts runs what they brought: both have to be analysts, too. docs/permissions.md, "People and commands".
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
   * The index that PyTorch, and it alone, comes from when the training image is built: PyTorch's own of CPU files,
   * checked by their hashes. null takes the one with CUDA from Python's registry: several GB that nothing here uses.
   */
  torchIndexUrl: z.url().nullable(),
  logRetentionDays: LogRetentionDays,
  /** Whether CloudFormation refuses to delete the stack that holds the data. */
  protectData: z.boolean(),
  /** Most bytes one Athena query may scan before it is cancelled; Athena charges by them. */
  athenaScanLimitBytes: z.number().int().min(10_000_000),
  /** Address that gets failure reports; null leaves the topic without subscriber. */
  alarmEmail: z.email().nullable(),
  alarms: Alarms,
  /** US dollars a month that AWS may cost; what X charges is not among them. null makes no budget. */
  monthlyBudgetUsd: z.number().positive().nullable(),
  /** Hours a machine execution may take before it is ended. */
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
    // A topic, not everyday words: X charges for each post that is read.
    queries: [{ name: 'keywords', keywords: ['electric car', 'electric cars', 'ev charging'] }],
    language: 'en',
    excludeRetweets: true,
    operators: 'core',
    // 500 x $0.005 = $2.50 a night at most, and four such weeks a month.
    maxTweetsPerRun: 500,
    maxTweetsPerMonth: 15_000,
    lateTweetSeconds: 30,
    // An author costs twice a post, and nothing but the names in reports needs them: their ids come with the posts.
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
  training: {
    instanceType: 'ml.m5.xlarge',
    maxSeconds: 3600,
    spot: false,
    maxWaitSeconds: 2 * 3600,
    volumeGb: 10,
    // In eight bits a tweet's probabilities depend a little on the others of its batch.
    serves: 'fp32',
    int8Tolerance: 0.005,
  },
  evaluation: {
    minHeldOutRows: 200,
    minHeldOutPerClass: 30,
    level: 0.95,
    tolerance: 0.01,
    // With 171 held-out neutral rows two trainings on the same data differ by 4 points (one standard error).
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
  torchIndexUrl: null,
  logRetentionDays: 90,
  protectData: false,
  // docs/retention.md argues each of them.
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
    nightOverdueHours: 26,
    runHours: 3,
    ingestGapHours: 50,
    openWindowDays: 3,
    quarantine: { maxShare: 0.05, minTweets: 100 },
    // Three classes by chance: 0.33. The lexicon reaches 0.70 on the bundled corpus.
    macroRecall: { atLeast: 0.6, maxLost: 0.05 },
    // A serverless endpoint's first answer waits for its container.
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
      // Frequent English words: the bundled corpus is everyday speech about nothing in particular.
      queries: [{ name: 'keywords', keywords: everydayWords }],
      maxTweetsPerRun: 5000,
      // The stand-in charges nothing.
      maxTweetsPerMonth: null,
      authorNames: true,
    },
    poll: perPollingKey(() => 1),
    monthlyBudgetUsd: null,
  },
  // A night in dev can wait for capacity, and a first model costs a third.
  dev: { ...base, training: { ...base.training, spot: true } },
  prod: {
    ...base,
    nightly: { ...base.nightly, enabled: true },
    // 2,000 x $0.005 = $10 a night at most.
    x: { ...base.x, maxTweetsPerRun: 2000, maxTweetsPerMonth: 60_000 },
    // Nobody until somebody is named here.
    people: { analysts: [], labellers: [], forgetters: [], forceGranters: [] },
    endpoint: { ...base.endpoint, kind: 'realtime', instances: 2 },
    protectData: true,
    logRetentionDays: 365,
    alarms: { ...base.alarms, modelLatencySeconds: 2 },
    // Two instances that always run are most of it.
    monthlyBudgetUsd: 300,
  },
};

/** What `-c name=value` on the command line may change. */
export interface Overrides {
  readonly xApiBaseUrl?: string;
  readonly torchIndexUrl?: string;
  /** JSON of any settings, as `{"poll":{"train":1}}`: objects are merged, everything else is replaced. */
  readonly settings?: string;
  readonly bucketName?: string;
}

const JsonObject = z.record(z.string(), z.unknown());

/** What `-c settings=…` holds. Throws when it is not a JSON object. */
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
 * Lambda takes 4,096 bytes of variables ("Lambda quotas"), measured as JSON: in it each quotation mark of SETTINGS counts
 * twice. What a function's other variables need is left to them.
 */
export const MAX_SETTINGS_BYTES = 2_800;

/** Bytes that a function's settings add to its variables, as Lambda measures them. */
export const settingsBytes = (settings: Settings, sections: readonly (keyof Settings)[]): number =>
  Buffer.byteLength(
    JSON.stringify(
      JSON.stringify(Object.fromEntries(sections.map((name) => [name, settings[name]]))),
    ),
  );

/** Throws when a function's settings are too large for its variables. */
function checkSizes(settings: Settings): Settings {
  for (const [name, sections] of Object.entries(settingsOfFunctions)) {
    const bytes = settingsBytes(settings, sections);
    if (bytes <= MAX_SETTINGS_BYTES) continue;
    const [largest = ''] = [...sections].sort(
      (one, other) => settingsBytes(settings, [other]) - settingsBytes(settings, [one]),
    );
    const most = largest === 'x' ? 'x.queries' : largest;
    throw new Error(
      `The settings that ${name} reads (${sections.join(', ')}) are ${bytes} bytes, and Lambda's variables have room for ` +
        `${MAX_SETTINGS_BYTES}: shorten ${most} in infra/config.ts or -c settings`,
    );
  }
  return settings;
}

/** Settings of an environment with what the command line overrides. Throws an error that names the field. */
export function settingsFor(env: string, overrides: Overrides = {}): Settings {
  const settings = Settings.parse(
    merged(environments[EnvironmentName.parse(env)], parseSettings(overrides.settings ?? '{}')),
  );
  const whole = Settings.parse({
    ...settings,
    x: { ...settings.x, apiBaseUrl: overrides.xApiBaseUrl ?? settings.x.apiBaseUrl },
    torchIndexUrl: overrides.torchIndexUrl ?? settings.torchIndexUrl,
    bucketName: overrides.bucketName ?? settings.bucketName,
  });
  return checkSizes(whole);
}
