import { Aws } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { arn } from '../arns';
import { allow } from './grants';

export interface MachineRoleProps {
  /** Name of the state machine. */
  readonly name: string;
  readonly functions: readonly lambda.IFunction[];
}

/** What the state machine itself may do: call the steps, write its log, trace. */
export class MachineRole extends Construct {
  readonly role: iam.IRole;
  readonly policy: iam.Policy;

  constructor(scope: Construct, id: string, { name, functions }: MachineRoleProps) {
    super(scope, id);
    const role = new iam.Role(this, 'Role', {
      assumedBy: new iam.ServicePrincipal('states.amazonaws.com', {
        conditions: {
          StringEquals: { 'aws:SourceAccount': Aws.ACCOUNT_ID },
          ArnLike: { 'aws:SourceArn': arn('states', `stateMachine:${name}`) },
        },
      }),
    });
    this.role = role.withoutPolicyUpdates();
    this.policy = allow(this, 'Run', role, [
      {
        actions: ['lambda:InvokeFunction'],
        resources: functions.map((fn) => `${fn.functionArn}:*`),
        wildcard:
          'Any version of this one function: an execution that began before a deployment calls those it began with',
      },
      {
        actions: [
          'logs:CreateLogDelivery',
          'logs:GetLogDelivery',
          'logs:UpdateLogDelivery',
          'logs:DeleteLogDelivery',
          'logs:ListLogDeliveries',
          'logs:PutResourcePolicy',
          'logs:DescribeResourcePolicies',
          'logs:DescribeLogGroups',
        ],
        resources: ['*'],
        wildcard:
          'Log deliveries and resource policies of CloudWatch Logs know no resources; Step Functions documents these eight actions for a machine that logs',
      },
      {
        actions: [
          'xray:PutTraceSegments',
          'xray:PutTelemetryRecords',
          'xray:GetSamplingRules',
          'xray:GetSamplingTargets',
        ],
        resources: ['*'],
        wildcard: 'X-Ray knows no resources for writing traces and reading sampling rules',
      },
    ]);
  }
}
