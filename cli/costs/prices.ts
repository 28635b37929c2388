/**
 * All prices that the project uses, except X's, which are settings (`x.usdPerPost`, `x.usdPerUser`).
 *
 * Public list prices, us-east-1, on-demand, US dollars, as of November 2026; aws.amazon.com/<service>/pricing has them.
 * Free tiers are not subtracted. docs/deploy.md says which prices could not be checked again and what is not included.
 */
export const prices = {
  stepFunctionsPerTransition: 0.025 / 1000,
  lambdaPerCall: 0.2 / 1e6,
  lambdaPerGbSecond: 0.0000166667,
  gluePerDpuHour: 0.44,
  sageMakerTrainingPerHour: { 'ml.m5.xlarge': 0.23 },
  sageMakerTransformPerHour: { 'ml.m5.xlarge': 0.23 },
  serverlessInferencePerGbSecond: 0.00002,
  sageMakerHostingPerHour: { 'ml.c6i.large': 0.102 },
  athenaPerTb: 5,
  s3PerPut: 0.005 / 1000,
  s3PerGbMonth: 0.023,
  logsPerGbMonth: 0.03,
  kinesisShardPerHour: 0.015,
  /** Extra price for keeping records longer than a day, up to a week. */
  kinesisRetentionPerShardHour: 0.02,
  kmsKeyPerMonth: 1,
  secretPerMonth: 0.4,
  /** For each metric of an alarm, including those inside an expression. */
  alarmMetricPerMonth: 0.1,
  dashboardPerMonth: 3,
  /** Custom metric, billed for the hours in which a value is sent. */
  metricPerMonth: 0.3,
  ecrPerGbMonth: 0.1,
  /** general1.medium, the machine that builds the images. */
  codeBuildPerMinute: 0.01,
};

export const hoursPerMonth = 730;
