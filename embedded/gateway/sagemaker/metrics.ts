export interface MetricDefinition {
  readonly Name: string;
  /** Regular expression whose first group is the value. */
  readonly Regex: string;
}

/** The last value of each metric in a log; metrics that are not in the log are left out. */
export function finalMetrics(
  log: string,
  definitions: readonly MetricDefinition[],
): { MetricName: string; Value: number }[] {
  return definitions.flatMap(({ Name, Regex }) => {
    const value = Number([...log.matchAll(new RegExp(Regex, 'gm'))].at(-1)?.[1] ?? NaN);
    return Number.isFinite(value) ? [{ MetricName: Name, Value: value }] : [];
  });
}
