import * as events from 'aws-cdk-lib/aws-events';
import * as targets from 'aws-cdk-lib/aws-events-targets';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import * as sns from 'aws-cdk-lib/aws-sns';
import { EmailSubscription } from 'aws-cdk-lib/aws-sns-subscriptions';
import type * as sqs from 'aws-cdk-lib/aws-sqs';
import { Aws } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import { Construct } from 'constructs';
import { alarmArns, budgetArns } from '../../arns';
import type { EnvironmentName } from '../../config';
import type { DataResources } from '../../data-resources';
import { allow } from '../security/grants';

export interface NotificationsProps {
  readonly environment: EnvironmentName;
  readonly lake: DataResources;
  readonly email: string | null;
}

/** The topic that tells people the result of a run. */
export class Notifications extends Construct {
  readonly topic: sns.Topic;

  constructor(scope: Construct, id: string, { environment, lake, email }: NotificationsProps) {
    super(scope, id);
    this.topic = new sns.Topic(this, 'Topic', {
      displayName: 'sentiment-lake',
      masterKey: lake.key,
      enforceSSL: true,
    });
    if (email !== null) this.topic.addSubscription(new EmailSubscription(email));
    allow(this, 'Publish', lake.roles.RunReporterRole, [
      { actions: ['sns:Publish'], resources: [this.topic.topicArn] },
    ]);
    this.openTo('cloudwatch', alarmArns(environment));
    this.openTo('budgets', budgetArns);
  }

  /** Lets a service publish for this account's own alarms or budgets; the key's policy has the same limit. */
  private openTo(service: 'cloudwatch' | 'budgets', sourceArn: string): void {
    this.topic.addToResourcePolicy(
      new iam.PolicyStatement({
        actions: ['sns:Publish'],
        principals: [new iam.ServicePrincipal(`${service}.amazonaws.com`)],
        resources: [this.topic.topicArn],
        conditions: {
          StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
          ArnLike: { 'aws:SourceArn': sourceArn },
        },
      }),
    );
  }
}

export interface ExecutionArchiveProps {
  readonly stateMachineArn: string;
  readonly archive: lambda.IFunction;
  readonly deadLetterQueue: sqs.IQueue;
}

/** Archives every ended execution, failed or not: Step Functions deletes its history after 90 days. */
export class ExecutionArchive extends Construct {
  constructor(
    scope: Construct,
    id: string,
    { stateMachineArn, archive, deadLetterQueue }: ExecutionArchiveProps,
  ) {
    super(scope, id);
    new events.Rule(this, 'Rule', {
      description: 'Archives each ended execution of the pipeline and reports failed ones',
      eventPattern: {
        source: ['aws.states'],
        detailType: ['Step Functions Execution Status Change'],
        detail: {
          stateMachineArn: [stateMachineArn],
          status: ['SUCCEEDED', 'FAILED', 'TIMED_OUT', 'ABORTED'],
        },
      },
      targets: [new targets.LambdaFunction(archive, { deadLetterQueue, retryAttempts: 10 })],
    });
  }
}
