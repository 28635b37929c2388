import { z } from 'zod';

/** Settings of one environment. Everything an operator may change is here, and nowhere else. */
const Settings = z.strictObject({
  /** Nightly start, EventBridge cron in UTC; the rule exists disabled when `enabled` is false. */
  nightly: z.strictObject({ cron: z.string(), enabled: z.boolean() }),
  /** Minutes between two runs of mode `ingest`; null leaves the rule disabled at 15. */
  ingestEveryMinutes: z.number().int().min(5).nullable(),
  x: z.strictObject({
    apiBaseUrl: z.url(),
    /** Words and phrases; joined with OR. */
    keywords: z.array(z.string().min(1)).min(1),
    language: z.string().nullable(),
    excludeRetweets: z.boolean(),
    maxTweetsPerRun: z.number().int().positive(),
    /** US dollars X charges for one post read. */
    usdPerPost: z.number().nonnegative(),
  }),
  /** Seconds between two looks at a job of each stage. */
  poll: z.strictObject({
    crawl: z.number().int().positive(),
    clean: z.number().int().positive(),
    check: z.number().int().positive(),
    train: z.number().int().positive(),
    endpoint: z.number().int().positive(),
    refresh: z.number().int().positive(),
  }),
  glue: z.strictObject({ workerType: z.enum(['G.1X', 'G.2X']), workers: z.number().int().min(2), timeoutMinutes: z.number().int() }),
  checks: z.strictObject({
    /** A label above this share of a day's rows is suspicious. */
    maxLabelShare: z.number().gt(0).lte(1),
    /** Days with fewer rows are too small for the share check. */
    minRowsForShare: z.number().int().positive(),
  }),
  training: z.strictObject({
    instanceType: z.string(),
    maxSeconds: z.number().int().positive(),
    volumeGb: z.number().int().positive(),
  }),
  gate: z.strictObject({
    minHeldOutRows: z.number().int().positive(),
    /** How much the candidate may be worse than the champion in macro recall before it is refused. */
    tolerance: z.number().nonnegative(),
  }),
  endpoint: z.strictObject({
    kind: z.enum(['serverless', 'realtime']),
    instanceType: z.string(),
    instances: z.number().int().positive(),
    memoryMb: z.number().int(),
    maxConcurrency: z.number().int().positive(),
  }),
  logRetentionDays: z.number().int().positive(),
  /** Address that gets failure reports; null leaves the topic without subscriber. */
  alarmEmail: z.email().nullable(),
  /** Hours a machine execution may take before it is ended. */
  runTimeoutHours: z.number().positive(),
});
export type Settings = z.infer<typeof Settings>;

export const EnvironmentName = z.enum(['local', 'dev', 'prod']);
export type EnvironmentName = z.infer<typeof EnvironmentName>;

const base = {
  nightly: { cron: 'cron(15 2 * * ? *)', enabled: false },
  ingestEveryMinutes: null,
  x: {
    apiBaseUrl: 'https://api.x.com/2/',
    // Frequent English words: a keyword search needs words, and these find most of everyday speech.
    keywords: ['the', 'i', 'a', 'to', 'you', 'and', 'is', 'it', 'my', 'of', 'in', 'for', 'that', 'so', 'this', 'me', 'on', 'but'],
    language: 'en',
    excludeRetweets: true,
    maxTweetsPerRun: 5000,
    usdPerPost: 0.005,
  },
  poll: { crawl: 30, clean: 30, check: 5, train: 30, endpoint: 30, refresh: 5 },
  glue: { workerType: 'G.1X', workers: 2, timeoutMinutes: 60 },
  checks: { maxLabelShare: 0.95, minRowsForShare: 50 },
  training: { instanceType: 'ml.m5.xlarge', maxSeconds: 3600, volumeGb: 10 },
  gate: { minHeldOutRows: 200, tolerance: 0.01 },
  endpoint: { kind: 'serverless', instanceType: 'ml.c6i.large', instances: 1, memoryMb: 3072, maxConcurrency: 5 },
  logRetentionDays: 90,
  alarmEmail: null,
  runTimeoutHours: 6,
} satisfies Settings;

const environments: Record<EnvironmentName, Settings> = {
  local: { ...base, poll: { crawl: 1, clean: 1, check: 1, train: 1, endpoint: 1, refresh: 1 } },
  dev: base,
  prod: {
    ...base,
    nightly: { ...base.nightly, enabled: true },
    endpoint: { ...base.endpoint, kind: 'realtime', instances: 2 },
    logRetentionDays: 365,
  },
};

/** Settings of an environment; `overrides` come from `-c` on the command line. Throws a ZodError that names the field. */
export function settingsFor(env: string, overrides: { xApiBaseUrl?: string } = {}): Settings {
  const settings = environments[EnvironmentName.parse(env)];
  return Settings.parse({
    ...settings,
    x: { ...settings.x, apiBaseUrl: overrides.xApiBaseUrl ?? settings.x.apiBaseUrl },
  });
}
