import type { EnvironmentName } from './config';

/** Names that people and other accounts' tools look for; everything else is named by CloudFormation. */
export const lakeName = (environment: EnvironmentName, ...parts: string[]): string =>
  ['sentiment-lake', environment, ...parts].join('-');

export const stackName = (environment: EnvironmentName, kind: 'Data' | 'Pipeline'): string =>
  `SentimentLake-${environment}-${kind}`;

/** Roles of functions and jobs that touch the lake's data. */
export const workerRoleNames = [
  'DataIngestionRole',
  'DataProcessingRole',
  'RunReporterRole',
  'MachineLearningRole',
] as const;
export type WorkerRoleName = (typeof workerRoleNames)[number];

/** Roles that people take on to ask the lake, or to bring it labels, corpora and tweets; no function has them. */
export const peopleRoleNames = ['AnalyticsRole', 'LabellerRole'] as const;
export type PeopleRoleName = (typeof peopleRoleNames)[number];

export const roleNames = [...workerRoleNames, ...peopleRoleNames] as const;
export type RoleName = (typeof roleNames)[number];

/** People take it on to make the lake forget tweets; no function has it. */
export const forgetterRoleName = 'ForgetterRole';

/** Roles of functions that only start and look at jobs: the lake's data is nothing to them. */
export const starterRoleNames = ['CrawlStarterRole', 'EndpointUpdaterRole'] as const;
export type StarterRoleName = (typeof starterRoleNames)[number];

/** The permission to let one execution promote in spite of the gate is the permission to take on this role. */
export const forceGranterRole = 'ForceGranterRole';

/** One value per role of the lake, built by `valueOf`. */
export const perRole = <Value>(valueOf: (name: RoleName) => Value): Record<RoleName, Value> => ({
  DataIngestionRole: valueOf('DataIngestionRole'),
  DataProcessingRole: valueOf('DataProcessingRole'),
  RunReporterRole: valueOf('RunReporterRole'),
  MachineLearningRole: valueOf('MachineLearningRole'),
  AnalyticsRole: valueOf('AnalyticsRole'),
  LabellerRole: valueOf('LabellerRole'),
});
