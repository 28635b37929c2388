import { Duration } from 'aws-cdk-lib';
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

/** Every step is idempotent, so every step has this. 6 tries: 2+4+8+16+32+64 s ≈ 2 min, longer than a hiccup of the service. */
export const lambdaServiceRetry: RetryProps = {
  errors: [...lambdaServiceErrors],
  interval: Duration.seconds(2),
  backoffRate: 2,
  maxAttempts: 6,
};

interface NamedRetry {
  errors: ErrorName[];
  interval: Duration;
  backoffRate: number;
  maxAttempts: number;
}

/** Our own errors that waiting can mend. All others are bugs, bad input, or decisions: they end the execution at once. */
export const stepRetries: Partial<Record<StepName, NamedRetry[]>> = {
  'ingest-tweets': [
    // The step itself has tried for 15 s by then. 2 tries: 10+20 s; a longer outage is for a redrive.
    { errors: ['XUnavailable'], interval: Duration.seconds(10), backoffRate: 2, maxAttempts: 2 },
  ],
  'crawl-raw-data': [
    // 6 tries: 5+10+20+40+80+160 s ≈ 5 min; a crawl of a few new days takes one or two.
    { errors: ['CrawlerBusy'], interval: Duration.seconds(5), backoffRate: 2, maxAttempts: 6 },
  ],
  'clean-tweets': [
    // 6 tries: 10+20+40+80+160+320 s ≈ 10 min: the run of an execution that was stopped goes on to its end.
    { errors: ['CleaningBusy'], interval: Duration.seconds(10), backoffRate: 2, maxAttempts: 6 },
  ],
  'refresh-analytics': [
    // 3 tries: 10+20+40 s; an endpoint that was just updated may answer with errors for a moment.
    { errors: ['ScoringFailed'], interval: Duration.seconds(10), backoffRate: 2, maxAttempts: 3 },
  ],
};
