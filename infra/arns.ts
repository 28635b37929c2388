import { Aws } from 'aws-cdk-lib';

/** An ARN of this deployment's partition, region and account; parts that a service leaves out are ''. */
export const arn = (
  service: string,
  resource: string,
  { region = Aws.REGION, account = Aws.ACCOUNT_ID } = {},
): string => ['arn', Aws.PARTITION, service, region, account, resource].join(':');
