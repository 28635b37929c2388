/** An action that a role is granted and no recorded or declared call uses, and why it stays. */
export interface UnusedAction {
  readonly role: string;
  readonly action: string;
  readonly reason: string;
}

const crawler =
  'AWS documents no list of what a crawler with a catalog target calls; its managed policy allows this one, and only a run on AWS can tell';

/** The whole report: test/policies/needed.test.ts fails for one that is missing, and for one too many. */
export const unusedActions: readonly UnusedAction[] = [
  ...[
    'GetDatabase',
    'GetTables',
    'GetPartition',
    'BatchGetPartition',
    'UpdateTable',
    'BatchUpdatePartition',
  ].map((name) => ({ role: 'DataProcessingRole', action: `glue:${name}`, reason: crawler })),
];
