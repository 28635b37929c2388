import { Duration } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { DataResources } from '../../data-resources';
import { DeadLetters } from './dead-letters';

/**
 * A batch becomes one object of `scored` for each day of its tweets, and ends with whichever comes first. X gives 50
 * tweets/s at most, 3,000 a minute. 2,000 records of about 2 KB stay below Lambda's 6 MB, and take ten calls of the
 * endpoint: seconds, after the minute that a serverless endpoint may need to be ready.
 */
export const STREAM_BATCH = { records: 2_000, seconds: 60 } as const;

export interface StreamScoringProps {
  readonly lake: DataResources;
  readonly scoreStream: lambda.Function;
}

/**
 * Sends tweets from the stream to the scorer. Only the template sets whether the mapping is enabled: if a promotion
 * changed it, that would be drift, and the next deployment would undo it. Before the first promotion the scorer
 * accepts its records and scores none.
 */
export class StreamScoring extends Construct {
  /** Queue with the stream positions of records that could not be scored. */
  readonly failures: sqs.IQueue;

  constructor(scope: Construct, id: string, { lake, scoreStream }: StreamScoringProps) {
    super(scope, id);
    const role = lake.roles.ModelOperatorRole;
    // The queue holds positions, not records: those are in raw-data/, and in the stream for 7 days.
    const failures = new DeadLetters(this, 'Failures', { key: lake.key, sender: role });
    this.failures = failures.queue;
    const mapping = new lambda.EventSourceMapping(this, 'Mapping', {
      target: scoreStream,
      eventSourceArn: lake.stream.streamArn,
      startingPosition: lambda.StartingPosition.TRIM_HORIZON,
      enabled: true,
      batchSize: STREAM_BATCH.records,
      maxBatchingWindow: Duration.seconds(STREAM_BATCH.seconds),
      bisectBatchOnError: true,
      reportBatchItemFailures: true,
      retryAttempts: 8,
      // Retry as long as the stream keeps the records: an endpoint may be down for days.
      maxRecordAge: Duration.days(7),
      onFailure: new SqsDlq(failures.queue),
    });
    // When Lambda creates the mapping, it checks that the role may read the stream and send to the queue.
    mapping.node.addDependency(failures, lake.stream, lake.key);
  }
}
