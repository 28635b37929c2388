import { Aws, DefaultStackSynthesizer, Stack } from 'aws-cdk-lib';
import type { Construct } from 'constructs';
import type { EnvironmentName } from './config';
import { lakeName } from './naming';

/** An ARN of this deployment's partition, region and account; parts that a service leaves out are ''. */
export const arn = (
  service: string,
  resource: string,
  { region = Aws.REGION, account = Aws.ACCOUNT_ID } = {},
): string => ['arn', Aws.PARTITION, service, region, account, resource].join(':');

/**
 * The role that CloudFormation takes on for `cdk deploy`, as `cdk bootstrap` names it: the one of its five that changes
 * resources. In full, since anybody who may make roles could call one cdk-something.
 */
export const deploymentRoleArn = (scope: Construct): string => {
  const { synthesizer } = Stack.of(scope);
  const qualifier = synthesizer.bootstrapQualifier ?? DefaultStackSynthesizer.DEFAULT_QUALIFIER;
  const name = ['cdk', qualifier, 'cfn-exec-role', Aws.ACCOUNT_ID, Aws.REGION].join('-');
  return arn('iam', `role/${name}`, { region: '' });
};

export const rootArn: string = arn('iam', 'root', { region: '' });

/** Every alarm of an environment's lake: all that may publish to its topic. */
export const alarmArns = (environment: EnvironmentName): string =>
  arn('cloudwatch', `alarm:${lakeName(environment)}-*`);

/** Every budget of the account; they belong to no region, and CloudFormation names ours. */
export const budgetArns: string = arn('budgets', '*', { region: '' });
