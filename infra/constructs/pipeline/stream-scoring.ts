import { Duration } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import type { DataResources } from '../../data-resources';
import { DeadLetters } from './dead-letters';

export interface StreamScoringProps {
  readonly lake: DataResources;
  readonly scoreStream: lambda.Function;
}

/**
 * Tweets from the stream to the scorer. Nothing but the template says whether the mapping is enabled: what a promotion
 * had changed would be drift, and the next deployment would put it back. Before the first promotion the scorer takes
 * its records and scores none.
 */
export class StreamScoring extends Construct {
  /** Where in the stream the records lie that could not be scored. */
  readonly failures: sqs.IQueue;

  constructor(scope: Construct, id: string, { lake, scoreStream }: StreamScoringProps) {
    super(scope, id);
    const role = lake.roles.ModelOperatorRole;
    // Holds which records failed, not the records: those are in raw-data/, and in the stream for 7 days.
    const failures = new DeadLetters(this, 'Failures', { key: lake.key, sender: role });
    this.failures = failures.queue;
    const mapping = new lambda.EventSourceMapping(this, 'Mapping', {
      target: scoreStream,
      eventSourceArn: lake.stream.streamArn,
      startingPosition: lambda.StartingPosition.TRIM_HORIZON,
      enabled: true,
      batchSize: 200,
      maxBatchingWindow: Duration.seconds(5),
      bisectBatchOnError: true,
      reportBatchItemFailures: true,
      retryAttempts: 8,
      // As long as the stream keeps them: an endpoint may be down for days.
      maxRecordAge: Duration.days(7),
      onFailure: new SqsDlq(failures.queue),
    });
    // Lambda looks whether the role may read the stream and send to the queue when it creates the mapping.
    mapping.node.addDependency(failures, lake.stream, lake.key);
  }
}
