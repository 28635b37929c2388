import * as iam from 'aws-cdk-lib/aws-iam';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { deploymentRoleArn, rootArn } from '../../arns';

/** Actions that the secret's policy leaves to the callers' own policies. */
const left = [
  'secretsmanager:BatchGetSecretValue',
  'secretsmanager:DescribeSecret',
  'secretsmanager:GetResourcePolicy',
  'secretsmanager:GetSecretValue',
  'secretsmanager:ListSecretVersionIds',
  'secretsmanager:PutSecretValue',
];

export interface GuardedSecretProps {
  /** ARNs of the roles that may read the value. @default everyone whom IAM allows */
  readonly readers?: readonly string[];
  /** ARNs of the roles that may write a value. @default everyone whom IAM allows */
  readonly writers?: readonly string[];
}

/**
 * Gives a secret a policy that applies regardless of the callers' policies: `secretsmanager:*` elsewhere must not give
 * access. Everything that could undo this (another policy, a rotation, a replica, a deletion) is allowed only to the
 * deployment, and to root, so that a mistake can be fixed. Future actions are denied, too, because the policy lists
 * the allowed actions.
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
    // CloudFormation reads secrets for its own requests, and it can change this policy anyway.
    const reading = ['secretsmanager:GetSecretValue', 'secretsmanager:BatchGetSecretValue'];
    deny('OnlyTheseRead', { actions: reading }, [...readers, deployment]);
  }
}
