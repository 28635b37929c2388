import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import type { IMetric } from 'aws-cdk-lib/aws-cloudwatch';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import type { DataResources } from '../../data-resources';

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
  /** Counts the batches that could not be scored: those that Lambda wrote to S3, and those it could not write. */
  readonly failures: { readonly written: IMetric; readonly dropped: IMetric };

  constructor(scope: Construct, id: string, { lake, scoreStream }: StreamScoringProps) {
    super(scope, id);
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
      // Only S3 gets the records themselves: a queue or a topic would get their positions in the stream, which
      // keeps them for 7 days. Lambda writes as the function's role, below `aws/lambda/` (lake-bucket.ts). Not
      // CDK's S3OnFailureDestination: it would let the role read and write the whole bucket.
      onFailure: { bind: () => ({ destination: lake.bucket.bucketArn }) },
      metricsConfig: { metrics: [lambda.MetricType.EVENT_COUNT] },
    });
    // When Lambda creates the mapping, it checks that the role may read the stream. The Data stack lets it.
    mapping.node.addDependency(lake.stream, lake.key);
    const count = (metricName: string) =>
      new Metric({
        namespace: 'AWS/Lambda',
        metricName,
        dimensionsMap: { EventSourceMappingUUID: mapping.eventSourceMappingId },
        statistic: 'Sum',
        period: Duration.minutes(5),
      });
    this.failures = {
      written: count('OnFailureDestinationDeliveredEventCount'),
      dropped: count('DroppedEventCount'),
    };
  }
}
