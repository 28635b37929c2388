import { withTodaysNames } from './older-names';

/** One Lambda function. The stack, the tests and the docs read its properties here. */
interface FunctionRow {
  /** Its file is `functions/<name>.ts`; in an account it is `sentiment-lake-<env>-<name>`. */
  readonly name: string;
  /** One sentence for docs/architecture.md. */
  readonly description: string;
  /** Role of `infra/naming.ts` that it runs as. */
  readonly role: string;
  /** Environment variables it reads, `SETTINGS` left out: `functions/settings/environment.ts` knows their types. */
  readonly variables: readonly string[];
  /** Sections of the settings it reads; they come as JSON in `SETTINGS`. */
  readonly settings: readonly string[];
  /** Lambda's limits. A call polls a job or does a bounded part of the work, so none comes near 15 minutes. */
  readonly timeoutSeconds: number;
  readonly memoryMb: number;
}

interface StepRow extends FunctionRow {
  /** Name of the state, as a person reads it in the console. */
  readonly state: string;
  /** Key of the execution's state that the answer is written under; null makes the answer the execution's output. */
  readonly key: string | null;
  /** Seconds between two polls of the step's job in an account (`poll` in the settings overrides it); null without a job. */
  readonly pollSeconds: number | null;
}

/** The steps in running order. Functions, roles, loops, progress view and docs follow from this table. */
export const steps = [
  {
    state: 'Plan the run',
    name: 'plan-run',
    key: 'plan',
    description:
      'Checks the input, takes the run lock and writes the plan that every later step follows.',
    role: 'DataIngestionRole',
    variables: ['BUCKET', 'LAKE', 'FORCE_GRANT_SECRET_ARN'],
    settings: ['x', 'poll', 'evaluation'],
    pollSeconds: null,
    timeoutSeconds: 60,
    memoryMb: 256,
  },
  // Works for at most four minutes, then answers MORE; one more page must fit into the rest.
  {
    state: 'Ingest tweets',
    name: 'ingest-tweets',
    key: 'ingest',
    description:
      'Fetches tweets page by page, writes the raw pages to S3 and sends each tweet to Kinesis.',
    role: 'DataIngestionRole',
    variables: ['BUCKET', 'STREAM_NAME', 'TOKEN_SECRET_ARN', 'FORGOTTEN_SECRET_ARN'],
    settings: ['x'],
    pollSeconds: 30,
    timeoutSeconds: 360,
    memoryMb: 512,
  },
  {
    state: 'Crawl raw data',
    name: 'crawl-raw-data',
    key: 'crawl',
    description: 'Starts the Glue crawler, which adds new days of raw data to the catalog.',
    role: 'CrawlStarterRole',
    variables: ['DATABASE', 'CRAWLER'],
    settings: [],
    pollSeconds: 30,
    timeoutSeconds: 60,
    memoryMb: 256,
  },
  // Lists the raw pages of every day of the run: 400 days of 10,000 pages each are four million names.
  {
    state: 'Clean tweets',
    name: 'clean-tweets',
    key: 'clean',
    description: 'Starts the Spark job for every day whose published snapshot is out of date.',
    role: 'DataProcessingRole',
    variables: ['BUCKET', 'DATABASE', 'GLUE_JOB'],
    settings: ['keepDays'],
    pollSeconds: 30,
    timeoutSeconds: 300,
    memoryMb: 1024,
  },
  {
    state: 'Check the data',
    name: 'check-data',
    key: 'check',
    description:
      'Runs the SQL checks in Athena; one offending row fails the run and nothing is published.',
    role: 'RunReporterRole',
    variables: ['BUCKET', 'DATABASE', 'WORKGROUP'],
    settings: ['checks'],
    pollSeconds: 5,
    timeoutSeconds: 120,
    memoryMb: 256,
  },
  {
    state: 'Publish the data',
    name: 'publish-data',
    key: 'publish',
    description: 'Shows readers the new snapshot of each day, and deletes expired data.',
    role: 'DataProcessingRole',
    variables: ['BUCKET', 'DATABASE'],
    settings: ['keepDays'],
    pollSeconds: null,
    timeoutSeconds: 120,
    memoryMb: 256,
  },
  // Unpacks the training job's small output archive when the job is done.
  {
    state: 'Train the model',
    name: 'train-model',
    key: 'train',
    description: 'Starts the training job, unless nothing has changed since the last training.',
    role: 'ModelOperatorRole',
    variables: [
      'BUCKET',
      'LAKE',
      'MODEL_PREFIX',
      'DATABASE',
      'TRAINING_ROLE_ARN',
      'TRAINING_IMAGE',
      'SERVING_IMAGE',
      'KEY_ARN',
      'GIT_COMMIT',
      'GIT_DIRTY',
      'PACKAGE_LOCK_SHA256',
    ],
    settings: ['model', 'training', 'evaluation', 'drift'],
    pollSeconds: 30,
    timeoutSeconds: 120,
    memoryMb: 512,
  },
  // Reads every label object: 2,000 objects take some seconds, a million rows fit into memory.
  {
    state: 'Evaluate the candidate',
    name: 'evaluate-candidate',
    key: 'evaluation',
    description:
      'Compares the candidate with the champion on held-out labels and decides the promotion; in a rollback, looks up the model to go back to.',
    role: 'ModelOperatorRole',
    variables: ['BUCKET', 'LAKE', 'SERVING_IMAGE'],
    settings: ['evaluation'],
    pollSeconds: null,
    timeoutSeconds: 300,
    memoryMb: 1024,
  },
  {
    state: 'Update the endpoint',
    name: 'update-endpoint',
    key: 'update',
    description: 'Creates the endpoint, or has it change to the candidate.',
    role: 'EndpointUpdaterRole',
    variables: [
      'LAKE',
      'SERVING_ROLE_ARN',
      'SERVING_IMAGE',
      'ENDPOINT_NAME',
      'KEY_ARN',
      'ROLLBACK_ALARMS',
    ],
    settings: ['endpoint'],
    pollSeconds: 30,
    timeoutSeconds: 60,
    memoryMb: 256,
  },
  // A serverless endpoint's first answer waits up to a minute for its container.
  {
    state: 'Smoke-test the endpoint',
    name: 'smoke-test-endpoint',
    key: 'smokeTest',
    description:
      'Sends the endpoint plain sentences and compares its answers with the labels they must have.',
    role: 'ModelOperatorRole',
    variables: ['BUCKET', 'ENDPOINT_NAME'],
    settings: [],
    pollSeconds: null,
    timeoutSeconds: 300,
    memoryMb: 256,
  },
  {
    state: 'Promote the model',
    name: 'promote-model',
    key: 'promote',
    description:
      'Records the model as the champion, registers it, and deletes the oldest registered models.',
    role: 'ModelOperatorRole',
    variables: ['BUCKET', 'LAKE', 'SERVING_IMAGE'],
    settings: ['registry'],
    pollSeconds: null,
    timeoutSeconds: 120,
    memoryMb: 256,
  },
  // Scores for at most two minutes, then answers RUNNING. Publishing one more day of a transform job, a quarter of a
  // million rows in memory at a time, must fit into the rest.
  {
    state: 'Refresh analytics',
    name: 'refresh-analytics',
    key: 'refresh',
    description:
      'Scores the tweets that the champion has not scored yet: a few through the endpoint, many in a transform job.',
    role: 'ModelOperatorRole',
    variables: [
      'BUCKET',
      'LAKE',
      'DATABASE',
      'WORKGROUP',
      'ENDPOINT_NAME',
      'MODEL_PREFIX',
      'SERVING_IMAGE',
      'TRAINING_ROLE_ARN',
      'KEY_ARN',
    ],
    settings: ['model', 'scoring'],
    pollSeconds: 15,
    timeoutSeconds: 600,
    memoryMb: 1024,
  },
  // Waits up to four minutes for two queries, and reads up to 50 MB of the stream.
  {
    state: 'Report the run',
    name: 'report-run',
    key: null,
    description:
      "Compares the newest tweets with the model's training, writes the run's report and metrics, and releases the run lock.",
    role: 'RunReporterRole',
    variables: ['BUCKET', 'LAKE', 'TOPIC_ARN', 'DATABASE', 'WORKGROUP', 'STREAM_NAME'],
    settings: ['model', 'drift'],
    pollSeconds: null,
    timeoutSeconds: 360,
    memoryMb: 512,
  },
] as const satisfies readonly StepRow[];

/** The functions that are not steps of the state machine. */
export const otherFunctions = [
  // The longest history, 25,000 events, comes in 500 pages of up to 13 MB.
  {
    name: 'archive-execution',
    description:
      'Keeps the history of every ended execution, and reports a failed one to the topic.',
    role: 'RunReporterRole',
    variables: ['BUCKET', 'LAKE', 'TOPIC_ARN'],
    settings: [],
    timeoutSeconds: 300,
    memoryMb: 512,
  },
  // A batch may wait a minute until a serverless endpoint is ready.
  {
    name: 'score-stream',
    description: 'Scores tweets as they arrive on the stream.',
    role: 'ModelOperatorRole',
    variables: ['BUCKET', 'LAKE', 'DATABASE', 'ENDPOINT_NAME'],
    settings: ['model'],
    timeoutSeconds: 120,
    memoryMb: 512,
  },
] as const satisfies readonly FunctionRow[];

export type Step = (typeof steps)[number];
export type StepName = Step['name'];
export type StateName = Step['state'];
/** Keys of the steps that poll a job; the intervals in the settings have the same keys. */
export type PollingKey = Exclude<Step, { pollSeconds: null }>['key'];

export const functions = [...steps, ...otherFunctions] as const;
export type FunctionName = (typeof functions)[number]['name'];

export const stepNames: readonly StepName[] = steps.map(({ name }) => name);
export const functionNames: readonly FunctionName[] = functions.map(({ name }) => name);

/** The row of a function. */
export type FunctionNamed<Name extends FunctionName> = Extract<
  (typeof functions)[number],
  { name: Name }
>;

/** One value per step, by the name of its function, in running order. */
export function perStep<Value>(valueOf: (step: Step) => Value): Record<StepName, Value>;
export function perStep<Value>(valueOf: (step: Step) => Value): Record<string, Value> {
  return Object.fromEntries(steps.map((step) => [step.name, valueOf(step)]));
}

/** One value per function, by its name. */
export function perFunction<Value>(
  valueOf: (row: (typeof functions)[number]) => Value,
): Record<FunctionName, Value>;
export function perFunction<Value>(
  valueOf: (row: (typeof functions)[number]) => Value,
): Record<string, Value> {
  return Object.fromEntries(functions.map((row) => [row.name, valueOf(row)]));
}

/** One value per step that polls a job, by its key. */
export function perPollingKey<Value>(
  valueOf: (seconds: number) => Value,
): Record<PollingKey, Value>;
export function perPollingKey<Value>(valueOf: (seconds: number) => Value): Record<string, Value> {
  return Object.fromEntries(
    steps.flatMap(({ key, pollSeconds }) =>
      pollSeconds === null ? [] : [[key, valueOf(pollSeconds)]],
    ),
  );
}

/** Names of states and keys up to 484cd63: archived executions still have them. */
const olderStates: Readonly<Record<string, StateName>> = {
  'Better than the champion?': 'Evaluate the candidate',
  Report: 'Report the run',
};
const olderKeys: Partial<Record<StepName, string>> = {
  'evaluate-candidate': 'gate',
  'update-endpoint': 'endpoint',
  'smoke-test-endpoint': 'smoke',
};

/** The step of a state, also by its older name; undefined for a Choice, a Wait or a state that no step has. */
export const stepOfState = (state: string | undefined): Step | undefined =>
  steps.find((step) => step.state === (olderStates[state ?? ''] ?? state));

/** A step's answer in the output of its state, also under older names; undefined when it is not there. */
export const answerOf = ({ name, key }: Step, output: Readonly<Record<string, unknown>>): unknown =>
  withTodaysNames(key === null ? output : (output[key] ?? output[olderKeys[name] ?? key]));
