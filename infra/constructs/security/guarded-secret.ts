import * as iam from 'aws-cdk-lib/aws-iam';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { deploymentRoleArn, rootArn } from '../../arns';

/** What the policy of a secret leaves to the policies of those who call. */
const left = [
  'secretsmanager:BatchGetSecretValue',
  'secretsmanager:DescribeSecret',
  'secretsmanager:GetResourcePolicy',
  'secretsmanager:GetSecretValue',
  'secretsmanager:ListSecretVersionIds',
  'secretsmanager:PutSecretValue',
];

export interface GuardedSecretProps {
  /** ARNs of the roles that may read the value. @default whoever IAM lets */
  readonly readers?: readonly string[];
  /** ARNs of the roles that may write a value. @default whoever IAM lets */
  readonly writers?: readonly string[];
}

/**
 * Gives a secret a policy that holds whatever the policies of callers allow: `secretsmanager:*` elsewhere must open
 * nothing. All that could undo this, such as another policy, a rotation, a replica or a deletion, is the deployment's alone,
 * with root so that a mistake can be mended; an action that comes to be is refused, too, since only what is left is named.
 */
export function guardSecret(
  secret: secretsmanager.Secret,
  { readers, writers }: GuardedSecretProps,
): void {
  const deny = (
    sid: string,
    what: { actions: string[] } | { notActions: string[] },
    but: readonly string[],
  ) =>
    secret.addToResourcePolicy(
      new iam.PolicyStatement({
        sid,
        effect: iam.Effect.DENY,
        principals: [new iam.AnyPrincipal()],
        ...what,
        resources: ['*'],
        conditions: { ArnNotLike: { 'aws:PrincipalArn': [...but, rootArn] } },
      }),
    );
  const deployment = deploymentRoleArn(secret);
  deny('OnlyTheDeploymentConfigures', { notActions: left }, [deployment]);
  if (writers) deny('OnlyTheseWrite', { actions: ['secretsmanager:PutSecretValue'] }, writers);
  if (readers) {
    // CloudFormation reads a secret that it is asked about, and it can change this policy anyway.
    const reading = ['secretsmanager:GetSecretValue', 'secretsmanager:BatchGetSecretValue'];
    deny('OnlyTheseRead', { actions: reading }, [...readers, deployment]);
  }
}
