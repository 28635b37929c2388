import * as iam from 'aws-cdk-lib/aws-iam';
import type * as lambda from 'aws-cdk-lib/aws-lambda';
import { Construct } from 'constructs';
import { allow } from './grants';
import { actingFor } from './service-trust';

export interface MachineRoleProps {
  readonly functions: readonly lambda.IFunction[];
}

/** The state machine's own role: it may call the steps, write its log and write traces. */
export class MachineRole extends Construct {
  readonly role: iam.IRole;
  readonly policy: iam.Policy;

  constructor(scope: Construct, id: string, { functions }: MachineRoleProps) {
    super(scope, id);
    const role = new iam.Role(this, 'Role', {
      assumedBy: actingFor('states'),
    });
    this.role = role.withoutPolicyUpdates();
    this.policy = allow(this, 'Run', role, [
      {
        actions: ['lambda:InvokeFunction'],
        resources: functions.map((fn) => `${fn.functionArn}:*`),
        wildcard:
          'Any version of this one function: an execution that started before a deployment calls the old versions',
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
          'Log deliveries and resource policies of CloudWatch Logs support no resources; Step Functions documents these eight actions for a state machine that logs',
      },
      {
        actions: [
          'xray:PutTraceSegments',
          'xray:PutTelemetryRecords',
          'xray:GetSamplingRules',
          'xray:GetSamplingTargets',
        ],
        resources: ['*'],
        wildcard: 'X-Ray supports no resources for writing traces and reading sampling rules',
      },
    ]);
  }
}
