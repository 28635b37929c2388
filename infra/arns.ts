import { Aws } from 'aws-cdk-lib';
import type { EnvironmentName } from './config';
import { lakeName } from './naming';

/** An ARN of this deployment's partition, region and account; parts that a service leaves out are ''. */
export const arn = (
  service: string,
  resource: string,
  { region = Aws.REGION, account = Aws.ACCOUNT_ID } = {},
): string => ['arn', Aws.PARTITION, service, region, account, resource].join(':');

/** Every alarm of an environment's lake: all that may publish to its topic. */
export const alarmArns = (environment: EnvironmentName): string =>
  arn('cloudwatch', `alarm:${lakeName(environment)}-*`);

/** Every budget of the account; they belong to no region, and CloudFormation names ours. */
export const budgetArns: string = arn('budgets', '*', { region: '' });
