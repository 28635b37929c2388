import { modelNamePrefix } from '../functions/model/names';
import { endpointKinds } from '../functions/settings/settings';
import { database } from '../workflows/datasets';
import type { EnvironmentName } from './config';

/** Names that people and other accounts' tools look for; everything else is named by CloudFormation. */
export const lakeName = (environment: EnvironmentName, ...parts: string[]): string =>
  ['sentiment-lake', environment, ...parts].join('-');

/**
 * The Glue database: a catalog belongs to an account and a region, so each environment there has a database of its own.
 * The embedded cloud holds one lake, whose tables keep the plain name.
 */
export const databaseName = (environment: EnvironmentName): string =>
  environment === 'local' ? database : `${database}_${environment}`;

/**
 * How the names of training jobs, models and endpoint configs begin: what one environment's roles may touch at
 * SageMaker, and another's may not. Models of the embedded cloud keep the plain beginning.
 */
export const modelPrefix = (environment: EnvironmentName): string =>
  environment === 'local' ? modelNamePrefix : `${modelNamePrefix}${environment}-`;

/** The endpoint. Its kind is part of the name: a real-time endpoint cannot become a serverless one in place. */
export const endpointName = (
  environment: EnvironmentName,
  kind: (typeof endpointKinds)[number],
): string => lakeName(environment, kind);

/** Every name that an environment's endpoint may have: its settings may have changed since it was made. */
export const endpointNames = (environment: EnvironmentName): string[] =>
  endpointKinds.map((kind) => endpointName(environment, kind));

/** In the order in which they are deployed. The last one may be missing: the settings may name no budget. */
export const stackKinds = ['Data', 'Pipeline', 'Budget'] as const;
export type StackKind = (typeof stackKinds)[number];

export const stackName = (environment: EnvironmentName, kind: StackKind): string =>
  `SentimentLake-${environment}-${kind}`;

/** Roles of functions and jobs that touch the lake's data. */
export const workerRoleNames = [
  'DataIngestionRole',
  'DataProcessingRole',
  'RunReporterRole',
  'MachineLearningRole',
  'ModelOperatorRole',
  'ServingRole',
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
  ModelOperatorRole: valueOf('ModelOperatorRole'),
  ServingRole: valueOf('ServingRole'),
  AnalyticsRole: valueOf('AnalyticsRole'),
  LabellerRole: valueOf('LabellerRole'),
});
