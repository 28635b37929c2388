import type { EnvironmentName } from './config';

/** Names that people and other accounts' tools look for; everything else is named by CloudFormation. */
export const lakeName = (environment: EnvironmentName, ...parts: string[]): string =>
  ['sentiment-lake', environment, ...parts].join('-');

export const stackName = (environment: EnvironmentName, kind: 'Data' | 'Pipeline'): string =>
  `SentimentLake-${environment}-${kind}`;

export const roleNames = [
  'DataIngestionRole',
  'DataProcessingRole',
  'AnalyticsRole',
  'MachineLearningRole',
] as const;
export type RoleName = (typeof roleNames)[number];

/** One value per role, built by `valueOf`. */
export const perRole = <Value>(valueOf: (name: RoleName) => Value): Record<RoleName, Value> => ({
  DataIngestionRole: valueOf('DataIngestionRole'),
  DataProcessingRole: valueOf('DataProcessingRole'),
  AnalyticsRole: valueOf('AnalyticsRole'),
  MachineLearningRole: valueOf('MachineLearningRole'),
});
