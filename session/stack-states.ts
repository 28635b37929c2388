import type { StackStatus } from '@aws-sdk/client-cloudformation';

/** What a stack's status means for the commands. */
export interface StackState {
  /** What happened, in words for a message. */
  means: string;
  /** Whether the deployed resources work. `half`: an update changed only some of them; the outputs still exist. */
  works: 'yes' | 'half' | 'no';
  /** What to do before it can be deployed; null when nothing. `<stack>` is replaced by its name. */
  beforeDeploy: string | null;
  /** What to do before it can be deleted; null when nothing. */
  beforeDestroy: string | null;
}

const wait =
  'wait until CloudFormation is done: aws cloudformation describe-stacks --stack-name <stack>';
const remove =
  'delete it: aws cloudformation delete-stack --stack-name <stack>, and wait until it no longer exists';

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
 * Every status of a CloudFormation stack, from "Stack status codes" in its user guide. Which of them the CDK can
 * deploy over is from the CDK's code (2.1148: it first deletes a stack in ROLLBACK_COMPLETE or ROLLBACK_FAILED).
 * The type holds all names of the SDK, so a status that AWS adds fails the compilation here.
 */
const states: Record<StackStatus, StackState> = {
  CREATE_COMPLETE: stable('it was created'),
  UPDATE_COMPLETE: stable('it was updated'),
  IMPORT_COMPLETE: stable('resources were imported into it'),
  UPDATE_ROLLBACK_COMPLETE: stable(
    'its last update failed and was rolled back; the previous version runs',
  ),
  IMPORT_ROLLBACK_COMPLETE: stable(
    'an import failed and was rolled back; the previous version runs',
  ),
  UPDATE_COMPLETE_CLEANUP_IN_PROGRESS: busy(
    'it was updated, and replaced resources are being deleted',
    'yes',
  ),
  UPDATE_ROLLBACK_COMPLETE_CLEANUP_IN_PROGRESS: busy(
    'its last update failed and was rolled back, and the resources it created are being deleted',
    'yes',
  ),
  CREATE_IN_PROGRESS: busy('it is being created'),
  UPDATE_IN_PROGRESS: busy('it is being updated', 'half'),
  UPDATE_ROLLBACK_IN_PROGRESS: busy('its last update failed and is being rolled back', 'half'),
  IMPORT_IN_PROGRESS: busy('resources are being imported into it', 'half'),
  IMPORT_ROLLBACK_IN_PROGRESS: busy('an import failed and is being rolled back', 'half'),
  ROLLBACK_IN_PROGRESS: busy('its creation failed and is being rolled back'),
  DELETE_IN_PROGRESS: busy('it is being deleted'),
  // A change set that was never executed: there are no resources.
  REVIEW_IN_PROGRESS: stuck('its change set was not executed; it has no resources', null),
  ROLLBACK_COMPLETE: stuck(
    'its creation failed and was rolled back; the next deployment deletes it first',
    null,
  ),
  ROLLBACK_FAILED: stuck(
    'its creation failed, and so did the rollback; some resources may be left',
    remove,
  ),
  CREATE_FAILED: stuck('its creation failed, and the created resources still exist', remove),
  DELETE_FAILED: stuck(
    'some of its resources could not be deleted; its events name them',
    'run npm run destroy again, or delete it with --retain-resources for the resources that cannot be deleted',
  ),
  DELETE_COMPLETE: stuck('it was deleted', null),
  UPDATE_FAILED: stuck(
    'its last update failed and was not rolled back',
    'roll the update back: aws cloudformation rollback-stack --stack-name <stack>',
    'half',
  ),
  UPDATE_ROLLBACK_FAILED: stuck(
    'its last update failed, and so did the rollback',
    'fix what its events name, then: aws cloudformation continue-update-rollback --stack-name <stack>',
    'half',
  ),
  IMPORT_ROLLBACK_FAILED: stuck(
    'an import failed, and so did the rollback',
    'its events name the reason; ask AWS Support to repair it, or delete it with npm run destroy and deploy it again',
    'half',
  ),
};

/** A status that this release does not know: the commands neither deploy nor delete such a stack. */
const unknown: StackState = {
  means: 'this release does not know that status',
  works: 'no',
  beforeDeploy: wait,
  beforeDestroy: wait,
};

const known = new Map<string, StackState>(Object.entries(states));

/** What a stack's status means; `status` as DescribeStacks returns it. */
export const stateOf = (status: string | undefined): StackState =>
  known.get(status ?? '') ?? unknown;

interface Named {
  StackName?: string;
  StackStatus?: string;
}

/** `<stack> is <status>: <what that means>`, for messages. */
export const describeState = ({ StackName, StackStatus }: Named): string =>
  `${StackName} is ${StackStatus}: ${stateOf(StackStatus).means}`;

/** What to do before `verb`, with the stack's name filled in; null when nothing. */
export function todoBefore(verb: 'deploy' | 'destroy', stack: Named): string | null {
  const { beforeDeploy, beforeDestroy } = stateOf(stack.StackStatus);
  const todo = verb === 'deploy' ? beforeDeploy : beforeDestroy;
  return todo?.replaceAll('<stack>', stack.StackName ?? '') ?? null;
}
