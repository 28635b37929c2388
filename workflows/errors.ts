/**
 * Every error name that a step throws. Names are literals, because Retry, alarms and the runbook match by name and a
 * minifier renames classes.
 */
export const errorNames = [
  'InvalidInput',
  'RunInProgress',
  'ForceNotGranted',
  'XAuthenticationFailed',
  'XRequestRejected',
  'XUnavailable',
  'IngestDoesNotAddUp',
  'CrawlFailed',
  'CrawlerBusy',
  'CleaningBusy',
  'CleaningFailed',
  'QueryFailed',
  'ChecksFailed',
  'PublishFailed',
  'NoLabels',
  'TrainingFailed',
  'TrainingQuotaExceeded',
  'EvaluationUnusable',
  'EndpointUpdateFailed',
  'SmokeTestFailed',
  'ArchiveMismatch',
  'RollbackRefused',
  'PromotionConflict',
  'ScoringFailed',
  'ContractBroken',
  'StateTooLarge',
  'ServiceBusy',
  'OutOfTime',
] as const;

export type ErrorName = (typeof errorNames)[number];

/** An error whose `name` reaches Step Functions as `Error` and whose message is the `Cause`. */
export class StepError extends Error {
  constructor(
    override readonly name: ErrorName,
    message: string,
    options?: ErrorOptions,
  ) {
    super(message, options);
  }
}
