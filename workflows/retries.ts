import { Duration } from 'aws-cdk-lib';
import { JitterType } from 'aws-cdk-lib/aws-stepfunctions';
import type { RetryProps } from 'aws-cdk-lib/aws-stepfunctions';
import type { ErrorName } from './errors';
import type { StepName } from './steps';

/** Errors of the Lambda service, not of our code: the same call can be retried. */
export const lambdaServiceErrors = [
  'Lambda.ClientExecutionTimeoutException',
  'Lambda.ServiceException',
  'Lambda.AWSLambdaException',
  'Lambda.SdkClientException',
  'Lambda.TooManyRequestsException',
] as const;

/**
 * Errors of a Lambda that was killed at its time limit or ran out of memory. Older runtimes report both as
 * `Lambda.Unknown`. A call without any answer ends with the Task's own `States.Timeout`.
 */
export const lambdaCrashes = [
  'Sandbox.Timedout',
  'Runtime.ExitError',
  'Runtime.OutOfMemory',
  'Lambda.Unknown',
  'States.Timeout',
] as const;

// With full jitter each wait is random, half of the named time on average. So executions that failed together do not
// retry together.
const jitterStrategy = JitterType.FULL;

/** Retries of every step: all steps are idempotent. The first entry with the error's name applies. */
export const commonRetries: readonly RetryProps[] = [
  {
    // 6 tries: at most 2+4+8+16+32+64 s ≈ 2 min, longer than a short outage of the service.
    errors: [...lambdaServiceErrors],
    interval: Duration.seconds(2),
    backoffRate: 2,
    maxAttempts: 6,
    maxDelay: Duration.seconds(64),
    jitterStrategy,
  },
  {
    // The SDK has already tried three times within the step. 6 tries: at most 5+10+20+40+80+120 s ≈ 4½ min.
    errors: ['ServiceBusy' satisfies ErrorName],
    interval: Duration.seconds(5),
    backoffRate: 2,
    maxAttempts: 6,
    maxDelay: Duration.minutes(2),
    jitterStrategy,
  },
  {
    // 2 tries: at most 5+10 s. A call that needs more time or memory than the Lambda has fails again.
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

/** Our own errors that waiting can fix. All others are bugs, bad input or decisions and fail the execution at once. */
export const stepRetries: Partial<Record<StepName, readonly RetryProps[]>> = {
  // The step has already tried for 15 s. 2 tries: at most 20+40 s; after a longer outage, redrive.
  'ingest-tweets': [named('XUnavailable', { first: 20, longest: 40, tries: 2 })],
  // 8 tries: at most 5+10+20+40+80+3x120 s ≈ 8½ min; a crawl of a few new days takes one or two.
  'crawl-raw-data': [named('CrawlerBusy', { first: 5, longest: 120, tries: 8 })],
  // 9 tries: at most 10+20+40+80+160+4x300 s ≈ 25 min: the job run of a stopped execution continues to its end.
  'clean-tweets': [named('CleaningBusy', { first: 10, longest: 300, tries: 9 })],
  // 3 tries: at most 20+40+80 s; an endpoint may return errors for a moment after an update.
  'refresh-analytics': [named('ScoringFailed', { first: 20, longest: 80, tries: 3 })],
};
