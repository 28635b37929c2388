import { Duration } from 'aws-cdk-lib';
import type * as kinesis from 'aws-cdk-lib/aws-kinesis';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as sns from 'aws-cdk-lib/aws-sns';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import type * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import { DefaultDashboardFactory, MonitoringFacade, notifySns } from 'cdk-monitoring-constructs';
import { Construct } from 'constructs';
import type { EnvironmentName, Settings } from '../../config';
import { lakeName } from '../../naming';
import { Alarms } from './alarms';
import { monitorData, monitorModel } from './lake';
import { monitorRuns } from './runs';
import { monitorEndpoint, monitorMoney, monitorScoring, monitorServices } from './services';
import { OwnMetrics } from './own-metrics';

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

/** One dashboard, from the run down to the services it uses, and the alarms beside the figures they watch. */
export class Monitoring extends Construct {
  constructor(scope: Construct, id: string, props: MonitoringProps) {
    super(scope, id);
    const { environment, topic } = props;
    const name = lakeName(environment);
    const facade = new MonitoringFacade(this, 'Facade', {
      dashboardFactory: new DefaultDashboardFactory(this, 'Dashboards', {
        dashboardNamePrefix: name,
        detailDashboardRange: Duration.days(14),
      }),
      alarmFactoryDefaults: {
        actionsEnabled: true,
        action: notifySns(topic),
        alarmNamePrefix: name,
        datapointsToAlarm: 1,
      },
    });
    const watch = { facade, alarms: new Alarms(environment), own: new OwnMetrics(name), props };
    monitorRuns(watch);
    monitorData(watch);
    monitorModel(watch);
    monitorEndpoint(watch);
    monitorScoring(watch);
    monitorMoney(watch);
    monitorServices(watch);
  }
}
