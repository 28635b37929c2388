/**
 * The steps in running order: the state's name a person reads in the console, the function that does it,
 * the key of the execution's state it writes, and what one call may take.
 *
 * `timeoutSeconds` is the Lambda's own limit: a call only looks at a job or works through a bounded share
 * of the stage, so none comes near Lambda's 15 minutes.
 */
export const steps = [
  { state: 'Plan the run', name: 'plan-run', key: 'plan', timeoutSeconds: 60, memoryMb: 256 },
  // Works for four minutes at most, then answers MORE; one page more has to fit behind that.
  {
    state: 'Ingest tweets',
    name: 'ingest-tweets',
    key: 'ingest',
    timeoutSeconds: 360,
    memoryMb: 512,
  },
  {
    state: 'Crawl raw data',
    name: 'crawl-raw-data',
    key: 'crawl',
    timeoutSeconds: 60,
    memoryMb: 256,
  },
  { state: 'Clean tweets', name: 'clean-tweets', key: 'clean', timeoutSeconds: 120, memoryMb: 256 },
  { state: 'Check the data', name: 'check-data', key: 'check', timeoutSeconds: 120, memoryMb: 256 },
  {
    state: 'Publish the data',
    name: 'publish-data',
    key: 'publish',
    timeoutSeconds: 120,
    memoryMb: 256,
  },
  // Unpacks the training job's small output archive when the job is done.
  {
    state: 'Train the model',
    name: 'train-model',
    key: 'train',
    timeoutSeconds: 120,
    memoryMb: 512,
  },
  // Reads every label object: 2,000 of them in some seconds, a million rows in memory.
  {
    state: 'Better than the champion?',
    name: 'judge-model',
    key: 'gate',
    timeoutSeconds: 300,
    memoryMb: 1024,
  },
  {
    state: 'Update the endpoint',
    name: 'update-endpoint',
    key: 'endpoint',
    timeoutSeconds: 60,
    memoryMb: 256,
  },
  // A serverless endpoint's first answer waits for its container: up to a minute a try.
  {
    state: 'Smoke-test the endpoint',
    name: 'smoke-test-endpoint',
    key: 'smoke',
    timeoutSeconds: 300,
    memoryMb: 256,
  },
  {
    state: 'Promote the model',
    name: 'promote-model',
    key: 'promote',
    timeoutSeconds: 60,
    memoryMb: 256,
  },
  // Scores for two minutes at most, then answers RUNNING.
  {
    state: 'Refresh analytics',
    name: 'refresh-analytics',
    key: 'refresh',
    timeoutSeconds: 300,
    memoryMb: 512,
  },
  { state: 'Report', name: 'report-run', key: null, timeoutSeconds: 60, memoryMb: 256 },
] as const;

export type Step = (typeof steps)[number];
export type StepName = Step['name'];

export const stepNames: readonly StepName[] = steps.map(({ name }) => name);
