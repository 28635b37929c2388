import { z } from 'zod';
import { NamedQuery, PlanRunOutput } from '../../workflows/payloads';
import { keepsTokenSecret, tokenInClear } from '../x/address';

const Days = z.number().int().positive();
/** Step Functions can redrive an execution for this long after its end. */
const LONGEST_REDRIVE_DAYS = 14;

/** Each takes about a hundred bytes of a call's memory, and 25 calls of the endpoint follow one another. */
export const MOST_ENDPOINT_TWEETS = 5000;

/** The record of the promotions holds those of so many days. */
export const MOST_BEST_OF_DAYS = 365;

/** Kinds of endpoints; the kind is part of the endpoint's name (infra/naming.ts). */
export const endpointKinds = ['serverless', 'realtime'] as const;

/**
 * The settings that functions read; each function gets its sections as JSON in `SETTINGS`. Strict: an unknown field
 * fails the first call instead of being ignored.
 */
export const FunctionSettings = z.strictObject({
  x: z.strictObject({
    apiBaseUrl: z.url().refine((url) => URL.canParse(url) && keepsTokenSecret(url), tokenInClear),
    /** Named searches: keywords, or a query in X's own language. */
    queries: z.array(NamedQuery).min(1),
    /** Defaults for queries: the language X filters by (null: all languages), and whether to include retweets. */
    language: z.string().nullable(),
    excludeRetweets: z.boolean(),
    /** `core` or `all`: whether our X API tier includes the advanced search operators. */
    operators: z.enum(['core', 'all']),
    maxTweetsPerRun: z.number().int().min(10),
    /** Posts of all runs in a calendar month (UTC); null: no limit. Authors are not counted; each post has at most one. */
    maxTweetsPerMonth: z.number().int().positive().nullable(),
    /**
     * Seconds a tweet may take to reach X's index. Each window starts this much earlier than the last one, so late
     * tweets are not missed.
     */
    lateTweetSeconds: z.number().int().nonnegative(),
    /** Whether to request the authors' handles; X may bill each author. */
    authorNames: z.boolean(),
    /** US dollars X charges for one post read, and for one user: an author whose handle comes beside the posts. */
    usdPerPost: z.number().nonnegative(),
    usdPerUser: z.number().nonnegative(),
  }),
  /** Seconds between two looks at a job of each stage. */
  poll: PlanRunOutput.shape.poll,
  checks: z.strictObject({
    /** A label above this share of a day's rows is suspicious. */
    maxLabelShare: z.number().gt(0).lte(1),
    /** Days with fewer rows are too small for the share check. */
    minRowsForShare: z.number().int().positive(),
  }),
  model: z.strictObject({
    /** X's language tags that are trained on, scored and counted in the sentiment; the others are kept and counted only. */
    languages: z
      .array(z.string().regex(/^[a-z]{2,3}(-[A-Za-z]{2,4})?$/, 'must be a language tag like en'))
      .min(1),
  }),
  training: z
    .strictObject({
      instanceType: z.string(),
      maxSeconds: z.number().int().positive(),
      /** Spare capacity at about a third of the price, which AWS may take back; the job then begins anew. */
      spot: z.boolean(),
      /** With `spot`: how long the wait for capacity and the training may take together. */
      maxWaitSeconds: z.number().int().positive(),
      volumeGb: z.number().int().positive(),
      /** Most gigabytes (10^9 bytes) of tweets that a training reads: those of the newest days. */
      tweetsGb: z.number().positive(),
      /** The network that serves: in eight bits twice as fast, if its recall on the held-out rows holds. */
      serves: z.enum(['fp32', 'int8']),
      /** How much less macro recall the int8 network may have and still serve. */
      int8Tolerance: z.number().min(0).max(1),
    })
    .refine(({ tweetsGb, volumeGb }) => tweetsGb <= volumeGb / 2, {
      path: ['volumeGb'],
      message:
        'must be twice training.tweetsGb or more: the champion, the encoder or its corpora, labels and output need the rest',
    }),
  evaluation: z.strictObject({
    /** Held-out rows without which nothing is promoted: in all, and of each class. */
    minHeldOutRows: z.number().int().positive(),
    minHeldOutPerClass: z.number().int().positive(),
    /** Of the bootstrap intervals, those of the difference to the champion among them. */
    level: z.number().min(0.5).lt(1),
    /**
     * How much the candidate may be worse in macro recall than the champion, and than the best model of the last days,
     * before it is refused.
     */
    tolerance: z.number().nonnegative(),
    /**
     * Days of which the best promoted model is compared with the candidate, too: else each champion could be a little
     * worse than the one before. 0 compares with the champion only.
     */
    bestOfDays: z.number().int().min(0).max(MOST_BEST_OF_DAYS),
    /**
     * Share of a group of behavioural tests by which a model may pass fewer than the lexicon and still reach it: of the
     * sixty sentences of a group, 0.05 are those of one template.
     */
    behaviourTolerance: z.number().min(0).lt(1),
    /** How much recall of one class may be lost against the champion. */
    maxRecallDrop: z.number().gt(0).lt(1),
    /** How long a grant lets an execution promote in spite of the gate. */
    forceGrantHours: z.number().positive(),
  }),
  registry: z.strictObject({
    /** Promoted models that stay registered, with their endpoint configs, so that one can go back to them. */
    keepModels: z.number().int().min(2),
    /** Days that refused candidates stay registered. */
    keepRejectedDays: Days,
  }),
  endpoint: z.strictObject({
    kind: z.enum(endpointKinds),
    instanceType: z.string(),
    instances: z.number().int().positive(),
    memoryMb: z.number().int(),
    maxConcurrency: z.number().int().positive(),
  }),
  scoring: z.strictObject({
    /**
     * Tweets that a run scores through the endpoint, which answers at once; a transform job, which takes minutes to
     * start, scores the rest. No more than a call of the step reads.
     */
    endpointTweets: z.number().int().min(0).max(MOST_ENDPOINT_TWEETS),
    /** Of a transform job: its instances share the objects of its input. */
    instanceType: z.string(),
    instances: z.number().int().positive(),
    /** SageMaker limits no transform job: the step stops one that takes longer. */
    maxSeconds: z.number().int().positive(),
  }),
  /** Comparison of the newest tweets with those of the model's training; docs/model.md gives the reason for each number. */
  drift: z.strictObject({
    /**
     * Days of the new tweets, the run's day among them, and most days that they are compared with: of the model's
     * training, and for agreements the days just before the new ones.
     */
    days: z.number().int().min(1).max(8),
    referenceDays: z.number().int().min(1).max(365),
    /** Fewer tweets on either side give no result. */
    minTweets: z.number().int().positive(),
    /** Largest population stability index: of labels, confidence, lengths, languages, unknown words; of a single word. */
    maxPsi: z.number().positive(),
    maxWordPsi: z.number().positive(),
    /** How much smaller the share of tweets may be on which model, lexicon and people agree. */
    maxAgreementLoss: z.number().gt(0).lt(1),
    /** Whether drift lets a nightly run train that would skip its training, and at most once in how many days. */
    retrain: z.boolean(),
    retrainEveryDays: z.number().int().positive(),
  }),
  /**
   * For how many days data are kept; docs/retention.md says why so long, and what ends it. null keeps for ever. After
   * its end an object is an old version for `noncurrentVersions` days more.
   */
  keepDays: z.strictObject({
    /** Raw pages, and the published days made from them: both hold the same texts, and a day goes with its pages. */
    tweets: Days,
    /** Snapshots of a day that were replaced or refused: so long, at least, a model can be made again from its manifest. */
    replacedSnapshots: Days.min(LONGEST_REDRIVE_DAYS, {
      message: `must be ${LONGEST_REDRIVE_DAYS} or more: so long an execution can be redriven, and publishes what it cleaned`,
    }),
    /** What models said of the tweets. */
    scored: Days,
    /** Labels that people gave, with the texts. */
    labels: Days.nullable(),
    /** Records that were refused, and those that wait for the stream. */
    quarantine: Days,
    /** What people brought; their tweets are in the raw pages by then. */
    imports: Days,
    /** The ledger of the ingest's pages. */
    pages: Days,
    queryResults: Days,
    /** Histories, reports and the records of what was forgotten. */
    audit: Days.nullable(),
    /** Old versions of objects. */
    noncurrentVersions: Days,
  }),
});
export type FunctionSettings = z.infer<typeof FunctionSettings>;
export type SettingsSection = keyof FunctionSettings;

/** A string that holds the JSON of what `schema` describes. */
export const json = <Schema extends z.ZodType>(schema: Schema) =>
  z
    .string()
    .transform((text, context) => {
      try {
        const value: unknown = JSON.parse(text);
        return value;
      } catch {
        context.addIssue({ code: 'custom', message: 'is not JSON' });
        return z.NEVER;
      }
    })
    .pipe(schema);
