import { Duration } from 'aws-cdk-lib';
import * as cloudwatch from 'aws-cdk-lib/aws-cloudwatch';
import { SnsAction } from 'aws-cdk-lib/aws-cloudwatch-actions';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as sns from 'aws-cdk-lib/aws-sns';
import { Construct } from 'constructs';
import { VARIANT_NAME } from '../../../functions/model/names';
import type { EnvironmentName, Settings } from '../../config';
import { lakeName } from '../../naming';
import { describeAlarm } from '../monitoring/alarms';
import { allow } from '../security/grants';

export interface EndpointRollbackProps {
  readonly environment: EnvironmentName;
  /** Name of the endpoint. */
  readonly endpoint: string;
  readonly kind: Settings['endpoint']['kind'];
  /** The role that updates the endpoint. */
  readonly updater: iam.IRole;
  /** The topic that gets the alarm. */
  readonly topic: sns.ITopic;
}

/** Errors a minute that roll back an update. A few may be requests that were cut off with their old instance. */
const ERRORS_A_MINUTE = 5;

/** The alarm that rolls back a bad update of a real-time endpoint. SageMaker watches no alarms of serverless ones. */
export class EndpointRollback extends Construct {
  readonly alarmNames: readonly string[];

  constructor(scope: Construct, id: string, props: EndpointRollbackProps) {
    super(scope, id);
    const { environment, endpoint, kind, updater, topic } = props;
    if (kind === 'serverless') {
      this.alarmNames = [];
      return;
    }
    const alarm = new cloudwatch.Alarm(this, 'Errors', {
      alarmName: lakeName(environment, 'update-rollback'),
      actionsEnabled: true,
      alarmDescription: describeAlarm('update-rollback'),
      metric: new cloudwatch.Metric({
        namespace: 'AWS/SageMaker',
        metricName: 'Invocation5XXErrors',
        dimensionsMap: { EndpointName: endpoint, VariantName: VARIANT_NAME },
        statistic: cloudwatch.Stats.SUM,
        period: Duration.minutes(1),
      }),
      threshold: ERRORS_A_MINUTE,
      comparisonOperator: cloudwatch.ComparisonOperator.GREATER_THAN_OR_EQUAL_TO_THRESHOLD,
      evaluationPeriods: 1,
      // Nobody calls the endpoint between two runs.
      treatMissingData: cloudwatch.TreatMissingData.NOT_BREACHING,
    });
    alarm.addAlarmAction(new SnsAction(topic));
    this.alarmNames = [lakeName(environment, 'update-rollback')];
    // SageMaker reads the alarm with the permissions of UpdateEndpoint's caller.
    allow(this, 'Read', updater, [
      { actions: ['cloudwatch:DescribeAlarms'], resources: [alarm.alarmArn] },
    ]);
  }
}
