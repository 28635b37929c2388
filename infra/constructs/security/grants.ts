import * as iam from 'aws-cdk-lib/aws-iam';
import type { Construct } from 'constructs';
import { acknowledgeWildcards } from './acknowledge';

export interface Permission {
  readonly actions: readonly string[];
  readonly resources: readonly string[];
  readonly conditions?: Record<string, unknown>;
  /**
   * Why the resources or actions have to hold a `*`, for a reviewer.
   *
   * @default - they hold none, or cdk-nag reports them
   */
  readonly wildcard?: string;
}

/** What a function with active tracing may do at X-Ray. Lambda asks for it when the function is created. */
export const writeTraces: Permission = {
  actions: ['xray:PutTraceSegments', 'xray:PutTelemetryRecords'],
  resources: ['*'],
  wildcard: 'X-Ray knows no resources for writing traces',
};

/**
 * Opens a resource to a role, with a policy of its own beside the resource: the role's stack then needs to
 * know nothing of the resource's.
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
