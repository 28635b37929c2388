import type { StackStatus } from '@aws-sdk/client-cloudformation';

/** What a state of a stack means for the commands. */
export interface StackState {
  /** For people: what happened. */
  means: string;
  /** Whether what was deployed works: `half` where an update left some of it changed. Then its outputs are there. */
  works: 'yes' | 'half' | 'no';
  /** What has to be done before it can be deployed; null when nothing has to. `<stack>` is its name. */
  beforeDeploy: string | null;
  /** What has to be done before it can be deleted; null when nothing has to. */
  beforeDestroy: string | null;
}

const wait =
  'wait until CloudFormation is done: aws cloudformation describe-stacks --stack-name <stack>';
const remove =
  'delete it: aws cloudformation delete-stack --stack-name <stack>, and wait until it is gone';

const stable = (means: string): StackState => ({
  means,
  works: 'yes',
  beforeDeploy: null,
  beforeDestroy: null,
});
const busy = (means: string, works: StackState['works'] = 'no'): StackState => ({
  means,
  works,
  beforeDeploy: wait,
  beforeDestroy: wait,
});
const stuck = (
  means: string,
  beforeDeploy: string | null,
  works: StackState['works'] = 'no',
): StackState => ({ means, works, beforeDeploy, beforeDestroy: null });

/**
 * Every state that CloudFormation has for a stack, after "Stack status codes" of its user guide; which of them the CDK
 * deploys over is read in its code (2.1148: it deletes ROLLBACK_COMPLETE and ROLLBACK_FAILED before it begins anew).
 * The type has all names of the SDK: one that AWS adds fails the compilation here.
 */
const states: Record<StackStatus, StackState> = {
  CREATE_COMPLETE: stable('it was created'),
  UPDATE_COMPLETE: stable('it was updated'),
  IMPORT_COMPLETE: stable('resources were imported into it'),
  UPDATE_ROLLBACK_COMPLETE: stable(
    'its last update failed and was taken back: what ran before runs',
  ),
  IMPORT_ROLLBACK_COMPLETE: stable('an import failed and was taken back: what ran before runs'),
  UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: busy(
    'it was updated, and what was replaced is being removed',
    'yes',
  ),
  UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS: busy(
    'its last update failed and was taken back, and what that had made is being removed',
    'yes',
  ),
  CREATE_IN_PROGRESS: busy('it is being created'),
  UPDATE_IN_PROGRESS: busy('it is being updated', 'half'),
  UPDATE_ROLLBACK_IN_PROGRESS: busy('its last update failed and is being taken back', 'half'),
  IMPORT_IN_PROGRESS: busy('resources are being imported into it', 'half'),
  IMPORT_ROLLBACK_IN_PROGRESS: busy('an import failed and is being taken back', 'half'),
  ROLLBACK_IN_PROGRESS: busy('its creation failed and is being taken back'),
  DELETE_IN_PROGRESS: busy('it is being deleted'),
  // A change set that was never executed: there are no resources.
  REVIEW_IN_PROGRESS: stuck('a change set waits, and nothing was created', null),
  ROLLBACK_COMPLETE: stuck(
    'its creation failed and was taken back; it can only be deleted, which a deployment does first',
    null,
  ),
  ROLLBACK_FAILED: stuck(
    'its creation failed and so did the way back: resources may be left',
    remove,
  ),
  CREATE_FAILED: stuck('its creation failed, and what was made is still there', remove),
  DELETE_FAILED: stuck(
    'some of it could not be deleted: its events say what',
    'call npm run destroy again, or delete it with --retain-resources for what does not go',
  ),
  DELETE_COMPLETE: stuck('it was deleted', null),
  UPDATE_FAILED: stuck(
    'its last update failed half-way and was not taken back',
    'take the update back: aws cloudformation rollback-stack --stack-name <stack>',
    'half',
  ),
  UPDATE_ROLLBACK_FAILED: stuck(
    'its last update failed, and so did the way back',
    'mend what its events name, then: aws cloudformation continue-update-rollback --stack-name <stack>',
    'half',
  ),
  IMPORT_ROLLBACK_FAILED: stuck(
    'an import failed, and so did the way back',
    'its events say what is wrong; AWS Support can set it right, or delete it with npm run destroy and deploy anew',
    'half',
  ),
};

/** A state that this release does not know: looked at, and left alone. */
const unknown: StackState = {
  means: 'this release does not know that state',
  works: 'no',
  beforeDeploy: wait,
  beforeDestroy: wait,
};

const known = new Map<string, StackState>(Object.entries(states));

/** What is known of a stack's state; `status` as DescribeStacks answers it. */
export const stateOf = (status: string | undefined): StackState =>
  known.get(status ?? '') ?? unknown;

interface Named {
  StackName?: string;
  StackStatus?: string;
}

/** `<stack> is <status>: <what that means>`, for messages. */
export const describeState = ({ StackName, StackStatus }: Named): string =>
  `${StackName} is ${StackStatus}: ${stateOf(StackStatus).means}`;

/** What to do first, with the stack's name in it; null when nothing is. */
export function todoBefore(verb: 'deploy' | 'destroy', stack: Named): string | null {
  const { beforeDeploy, beforeDestroy } = stateOf(stack.StackStatus);
  const todo = verb === 'deploy' ? beforeDeploy : beforeDestroy;
  return todo?.replaceAll('<stack>', stack.StackName ?? '') ?? null;
}
