import { modelNamePrefix } from '../functions/model/names';
import { endpointKinds } from '../functions/settings/settings';
import { database } from '../workflows/datasets';
import type { EnvironmentName } from './config';

/** A name that people and tools look for. CloudFormation generates all other names. */
export const lakeName = (environment: EnvironmentName, ...parts: string[]): string =>
  ['sentiment-lake', environment, ...parts].join('-');

/**
 * The Glue database. A catalog belongs to an account and a region, so each environment there has its own database. The
 * embedded cloud has only one lake, so its name has no environment.
 */
export const databaseName = (environment: EnvironmentName): string =>
  environment === 'local' ? database : `${database}_${environment}`;

/**
 * Prefix of the names of training jobs, models and endpoint configs. It separates what the roles of different
 * environments may access in SageMaker. In the embedded cloud it has no environment.
 */
export const modelPrefix = (environment: EnvironmentName): string =>
  environment === 'local' ? modelNamePrefix : `${modelNamePrefix}${environment}-`;

/** The endpoint's name. It contains the kind, because an endpoint cannot change its kind in place. */
export const endpointName = (
  environment: EnvironmentName,
  kind: (typeof endpointKinds)[number],
): string => lakeName(environment, kind);

/** All possible names of an environment's endpoint: the settings may have changed since its creation. */
export const endpointNames = (environment: EnvironmentName): string[] =>
  endpointKinds.map((kind) => endpointName(environment, kind));

/** The stacks in the order of deployment. The last one is optional: the settings may have no budget. */
export const stackKinds = ['Data', 'Pipeline', 'Budget'] as const;
export type StackKind = (typeof stackKinds)[number];

export const stackName = (environment: EnvironmentName, kind: StackKind): string =>
  `SentimentLake-${environment}-${kind}`;

/** Roles of functions and jobs that access the lake's data. */
export const workerRoleNames = [
  'DataIngestionRole',
  'DataProcessingRole',
  'RunReporterRole',
  'MachineLearningRole',
  'ModelOperatorRole',
  'ServingRole',
] as const;
export type WorkerRoleName = (typeof workerRoleNames)[number];

/** Roles that people assume to query the lake or to import labels, corpora and tweets; no function has them. */
export const peopleRoleNames = ['AnalyticsRole', 'LabellerRole'] as const;
export type PeopleRoleName = (typeof peopleRoleNames)[number];

export const roleNames = [...workerRoleNames, ...peopleRoleNames] as const;
export type RoleName = (typeof roleNames)[number];

/** The role that people assume to erase tweets; no function has it. */
export const forgetterRoleName = 'ForgetterRole';

/** Roles of functions that only start and poll jobs; they cannot access the lake's data. */
export const starterRoleNames = ['CrawlStarterRole', 'EndpointUpdaterRole'] as const;
export type StarterRoleName = (typeof starterRoleNames)[number];

/** The role that lets one execution promote a model that the gate refuses. */
export const forceGranterRole = 'ForceGranterRole';

/** Builds one value per role of the lake. */
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
