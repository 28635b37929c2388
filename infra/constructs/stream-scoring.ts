import { Duration } from 'aws-cdk-lib';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { SqsDlq } from 'aws-cdk-lib/aws-lambda-event-sources';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { arn } from '../arns';
import type { Lake } from '../stacks/data-stack';
import { DeadLetters } from './dead-letters';
import { allow } from './grants';

export interface StreamScoringProps {
  readonly lake: Lake;
  readonly scoreStream: lambda.Function;
}

/**
 * Tweets from the stream to the scorer. Disabled until the first model is promoted: records that find no
 * endpoint would be retried until they are given up. `Promote the model` enables it; a deployment that changes
 * the mapping disables it again, until the next promotion.
 */
export class StreamScoring extends Construct {
  readonly mappingId: string;

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
      enabled: false,
      batchSize: 200,
      maxBatchingWindow: Duration.seconds(5),
      bisectBatchOnError: true,
      reportBatchItemFailures: true,
      retryAttempts: 8,
      // As long as the stream keeps them: what waited for the first model is scored, too.
      maxRecordAge: Duration.days(7),
      onFailure: new SqsDlq(failures.queue),
    });
    // Lambda looks whether the role may read the stream and send to the queue when it creates the mapping.
    mapping.node.addDependency(failures, lake.stream, lake.key);
    this.mappingId = mapping.eventSourceMappingId;
    allow(this, 'Enable', role, [
      {
        actions: ['lambda:GetEventSourceMapping', 'lambda:UpdateEventSourceMapping'],
        resources: [arn('lambda', `event-source-mapping:${this.mappingId}`)],
      },
    ]);
  }
}
