import { Duration } from 'aws-cdk-lib';
import { JitterType } from 'aws-cdk-lib/aws-stepfunctions';
import type { RetryProps } from 'aws-cdk-lib/aws-stepfunctions';
import type { ErrorName } from './errors';
import type { StepName } from './steps';

/** Errors of the Lambda service itself, not of our code: the call may be made again as it was. */
export const lambdaServiceErrors = [
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.TooManyRequestsException',
] as const;

/**
 * How a Lambda is reported that did not come to its end: killed by its time limit, or out of memory. Older runtimes
 * report both as `Lambda.Unknown`, and a call whose answer never came back is the Task's own `States.Timeout`.
 */
export const lambdaCrashes = [
  'Sandbox.Timedout',
  'Runtime.ExitError',
  'Runtime.OutOfMemory',
  'Lambda.Unknown',
  'States.Timeout',
] as const;

// With full jitter each wait is a random part of the one that the comments name, half of it on average: many
// executions, or many accounts, that were refused together do not come back together.
const jitterStrategy = JitterType.FULL;

/** Of every step, because every step is idempotent. The first that knows an error's name decides. */
export const commonRetries: readonly RetryProps[] = [
  {
    // 6 tries: at most 2+4+8+16+32+64 s ≈ 2 min, longer than a hiccup of the service.
    errors: [...lambdaServiceErrors],
    interval: Duration.seconds(2),
    backoffRate: 2,
    maxAttempts: 6,
    maxDelay: Duration.seconds(64),
    jitterStrategy,
  },
  {
    // The SDK has tried three times within the step by then. 6 tries: at most 5+10+20+40+80+120 s ≈ 4½ min.
    errors: ['ServiceBusy' satisfies ErrorName],
    interval: Duration.seconds(5),
    backoffRate: 2,
    maxAttempts: 6,
    maxDelay: Duration.minutes(2),
    jitterStrategy,
  },
  {
    // 2 tries: at most 5+10 s. What needs more time or memory than the Lambda has needs it again.
    errors: [...lambdaCrashes, 'OutOfTime' satisfies ErrorName],
    interval: Duration.seconds(5),
    backoffRate: 2,
    maxAttempts: 2,
    maxDelay: Duration.seconds(10),
    jitterStrategy,
  },
];

const named = (
  error: ErrorName,
  wait: { first: number; longest: number; tries: number },
): RetryProps => ({
  errors: [error],
  interval: Duration.seconds(wait.first),
  backoffRate: 2,
  maxAttempts: wait.tries,
  maxDelay: Duration.seconds(wait.longest),
  jitterStrategy,
});

/** Our own errors that waiting can fix. All others are bugs, bad input, or decisions: they end the execution at once. */
export const stepRetries: Partial<Record<StepName, readonly RetryProps[]>> = {
  // The step itself has tried for 15 s by then. 2 tries: at most 20+40 s; a longer outage is for a redrive.
  'ingest-tweets': [named('XUnavailable', { first: 20, longest: 40, tries: 2 })],
  // 8 tries: at most 5+10+20+40+80+3x120 s ≈ 8½ min; a crawl of a few new days takes one or two.
  'crawl-raw-data': [named('CrawlerBusy', { first: 5, longest: 120, tries: 8 })],
  // 9 tries: at most 10+20+40+80+160+4x300 s ≈ 25 min: the run of an execution that was stopped goes on to its end.
  'clean-tweets': [named('CleaningBusy', { first: 10, longest: 300, tries: 9 })],
  // 3 tries: at most 20+40+80 s; an endpoint that was just updated may answer with errors for a moment.
  'refresh-analytics': [named('ScoringFailed', { first: 20, longest: 80, tries: 3 })],
};
