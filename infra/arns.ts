import { Aws, DefaultStackSynthesizer, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { EnvironmentName } from './config';
import { lakeName } from './naming';

/** An ARN in this deployment's partition, region and account. Use '' for parts that a service leaves out. */
export const arn = (
  service: string,
  resource: string,
  { region = Aws.REGION, account = Aws.ACCOUNT_ID } = {},
): string => ['arn', Aws.PARTITION, service, region, account, resource].join(':');

/**
 * The role that CloudFormation assumes for `cdk deploy`: of the five roles of `cdk bootstrap`, the one that changes
 * resources. The name has no wildcard, because anybody who may create roles could name one cdk-something.
 */
export const deploymentRoleArn = (scope: Construct): string => {
  const { synthesizer } = Stack.of(scope);
  const qualifier = synthesizer.bootstrapQualifier ?? DefaultStackSynthesizer.DEFAULT_QUALIFIER;
  const name = ['cdk', qualifier, 'cfn-exec-role', Aws.ACCOUNT_ID, Aws.REGION].join('-');
  return arn('iam', `role/${name}`, { region: '' });
};

export const rootArn: string = arn('iam', 'root', { region: '' });

/** All alarms of an environment's lake; only they may publish to its topic. */
export const alarmArns = (environment: EnvironmentName): string =>
  arn('cloudwatch', `alarm:${lakeName(environment)}-*`);

/** All budgets of the account. Budgets have no region, and CloudFormation generates our budget's name. */
export const budgetArns: string = arn('budgets', '*', { region: '' });
