import type * as kinesis from 'aws-cdk-lib/aws-kinesis';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { MonitoringFacade } from 'cdk-monitoring-constructs';
import type { EnvironmentName, Settings } from '../../config';
import type { Alarms } from './alarms';
import type { OwnMetrics } from './own-metrics';

export interface MonitoringProps {
  readonly environment: EnvironmentName;
  readonly settings: Settings;
  /** Who is told. */
  readonly topic: sns.ITopic;
  readonly machine: sfn.IStateMachine;
  readonly scoreStream: lambda.IFunction;
  readonly archive: lambda.IFunction;
  readonly stream: kinesis.IStream;
  readonly undelivered: sqs.IQueue;
  readonly failures: sqs.IQueue;
  /** Name of the endpoint, which the pipeline makes when it has a model. */
  readonly endpoint: string;
  readonly glueJob: string;
  /** Workgroups of the pipeline and of its analysts. */
  readonly workGroup: string;
  readonly analystsWorkGroup: string;
}

/** What each section of the dashboard is made with. */
export interface Watch {
  readonly facade: MonitoringFacade;
  readonly alarms: Alarms;
  readonly own: OwnMetrics;
  readonly props: MonitoringProps;
}
