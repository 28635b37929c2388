import type * as kinesis from 'aws-cdk-lib/aws-kinesis';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { MonitoringFacade } from 'cdk-monitoring-constructs';
import type { StreamScoring } from '../pipeline/stream-scoring';
import type { EnvironmentName, Settings } from '../../config';
import type { Alarms } from './alarms';
import type { OwnMetrics } from './own-metrics';

export interface MonitoringProps {
  readonly environment: EnvironmentName;
  readonly settings: Settings;
  /** The topic that gets the alarms. */
  readonly topic: sns.ITopic;
  readonly machine: sfn.IStateMachine;
  readonly scoreStream: lambda.IFunction;
  readonly archive: lambda.IFunction;
  readonly stream: kinesis.IStream;
  readonly undelivered: sqs.IQueue;
  /** Batches of the stream that could not be scored: written to S3, and lost to it. */
  readonly failures: StreamScoring['failures'];
  /** Name of the endpoint, which the pipeline creates with its first model. */
  readonly endpoint: string;
  readonly glueJob: string;
  /** Workgroups of the pipeline and of its analysts. */
  readonly workGroup: string;
  readonly analystsWorkGroup: string;
}

/** The input of each section of the dashboard. */
export interface Watch {
  readonly facade: MonitoringFacade;
  readonly alarms: Alarms;
  readonly own: OwnMetrics;
  readonly props: MonitoringProps;
}
