import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { acknowledgeWildcards } from './acknowledge';

export interface Permission {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Record<string, unknown>;
  /**
   * Why the resources or actions must contain a `*`, for reviewers.
   *
   * @default - they contain none, or cdk-nag reports them
   */
  readonly wildcard?: string;
}

/** X-Ray permissions of a function with active tracing. Lambda checks them when the function is created. */
export const writeTraces: Permission = {
  actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
  resources: ['*'],
  wildcard: 'X-Ray supports no resources for writing traces',
};

/**
 * Gives a role access to a resource, with a separate policy beside the resource, so that the role's stack does not
 * depend on the resource's stack.
 */
export function allow(
  scope: Construct,
  id: string,
  role: iam.IRole,
  permissions: readonly Permission[],
): iam.Policy {
  const policy = new iam.Policy(scope, id, {
    roles: [role],
    statements: permissions.map(
      ({ actions, resources, conditions }) =>
        new iam.PolicyStatement({ actions: [...actions], resources: [...resources], conditions }),
    ),
  });
  for (const { wildcard, ...permission } of permissions) {
    if (wildcard !== undefined) acknowledgeWildcards(policy, permission, wildcard);
  }
  return policy;
}
