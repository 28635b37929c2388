import { Duration } from 'aws-cdk-lib';
import { Metric } from 'aws-cdk-lib/aws-cloudwatch';
import { VARIANT_NAME } from '../../../functions/model/names';
import { metricNamespace } from '../../../workflows/metrics';
import type { MetricName } from '../../../workflows/metrics';

/** The statistic that combines the datapoints of a period. */
export type Statistic = 'Sum' | 'Average' | 'Minimum' | 'Maximum' | 'p99';

/** The dashboard shows days, because a nightly run happens once a day. */
const A_DAY = Duration.days(1);

export interface OwnMetricOptions {
  readonly label?: string;
  /** A second dimension beside `Lake`, if any. */
  readonly by?: Partial<Record<'Stage' | 'Error', string>>;
  /** @default - a day */
  readonly period?: Duration;
}

/** The pipeline's custom metrics, emitted by functions/shared/metrics.ts. */
export class OwnMetrics {
  constructor(private readonly lake: string) {}

  metric(
    metricName: MetricName,
    statistic: Statistic = 'Sum',
    { label, by, period = A_DAY }: OwnMetricOptions = {},
  ): Metric {
    return new Metric({
      namespace: metricNamespace,
      metricName,
      dimensionsMap: { Lake: this.lake, ...by },
      statistic,
      period,
      label,
    });
  }
}

/** SageMaker's metrics of an endpoint, found by its name, because a run creates the endpoint. */
export const endpointMetric = (
  endpoint: string,
  metricName: string,
  statistic: Statistic,
): Metric =>
  new Metric({
    namespace: 'AWS/SageMaker',
    metricName,
    // The one variant that functions/update-endpoint.ts gives it.
    dimensionsMap: { EndpointName: endpoint, VariantName: VARIANT_NAME },
    statistic,
    period: Duration.minutes(5),
  });

/** Converts seconds for metrics that SageMaker counts in microseconds. */
export const microseconds = (seconds: number): number => seconds * 1_000_000;

export const athenaBytes = (workGroup: string, label: string): Metric =>
  new Metric({
    namespace: 'AWS/Athena',
    metricName: 'ProcessedBytes',
    dimensionsMap: { WorkGroup: workGroup },
    statistic: 'Sum',
    period: A_DAY,
    label,
  });

export const lambdaMetric = (functionName: string, metricName: 'Errors' | 'Throttles'): Metric =>
  new Metric({
    namespace: 'AWS/Lambda',
    metricName,
    dimensionsMap: { FunctionName: functionName },
    statistic: 'Sum',
    period: Duration.minutes(5),
    label: functionName,
  });
