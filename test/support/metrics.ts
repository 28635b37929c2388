import { z } from 'zod';
import { send, signed } from './signed';
import type { Credentials } from './signed';

/** An embedded cloud, and who asks it. */
export interface Asked {
  readonly url: string;
  readonly credentials: Credentials;
}

const targets = {
  logs: ['Logs_20140328', '1.1'],
  monitoring: ['GraniteServiceVersion20100801', '1.0'],
} as const;

/** Calls an operation of CloudWatch, or of its logs, for which the project needs no client. Throws what is not 200. */
export async function call(
  { url, credentials }: Asked,
  service: keyof typeof targets,
  action: string,
  body: object,
): Promise<unknown> {
  const [prefix, version] = targets[service];
  const raw = {
    method: 'POST',
    headers: {
      'content-type': `application/x-amz-json-${version}`,
      'x-amz-target': `${prefix}.${action}`,
    },
    body: JSON.stringify(body),
  };
  const answer = await send(url, await signed(url, raw, { credentials, service }));
  if (answer.status !== 200) throw new Error(`${action}: ${answer.body}`);
  return JSON.parse(answer.body || '{}');
}

const Results = z.object({
  MetricDataResults: z.array(z.object({ Id: z.string(), Values: z.array(z.number()) })),
});

/** The sum of each named metric over the last hour; null where it has no point. */
export async function sums(
  asked: Asked,
  Namespace: string,
  dimensions: Readonly<Record<string, string>>,
  names: readonly string[],
): Promise<Record<string, number | null>> {
  const Dimensions = Object.entries(dimensions).map(([Name, Value]) => ({ Name, Value }));
  const now = Date.now() / 1000;
  const found = Results.parse(
    await call(asked, 'monitoring', 'GetMetricData', {
      StartTime: now - 3600,
      EndTime: now + 60,
      MetricDataQueries: names.map((MetricName, index) => ({
        Id: `m${index}`,
        MetricStat: { Metric: { Namespace, MetricName, Dimensions }, Period: 60, Stat: 'Sum' },
      })),
    }),
  ).MetricDataResults;
  const total = (id: string) => {
    const values = found.find(({ Id }) => Id === id)?.Values ?? [];
    return values.length === 0 ? null : values.reduce((sum, value) => sum + value, 0);
  };
  return Object.fromEntries(names.map((name, index) => [name, total(`m${index}`)]));
}

const Alarms = z.object({
  MetricAlarms: z.array(z.object({ AlarmName: z.string(), StateValue: z.string() })),
});

/** The state of each named alarm that there is. */
export async function alarmStates(
  asked: Asked,
  AlarmNames: readonly string[],
): Promise<Map<string, string>> {
  const found = await call(asked, 'monitoring', 'DescribeAlarms', { AlarmNames, MaxRecords: 100 });
  return new Map(
    Alarms.parse(found).MetricAlarms.map(({ AlarmName, StateValue }) => [AlarmName, StateValue]),
  );
}

const History = z.object({ AlarmHistoryItems: z.array(z.object({ HistorySummary: z.string() })) });

/** What an alarm did: one sentence for each of its actions. */
export async function actionsOf(asked: Asked, AlarmName: string): Promise<string[]> {
  const found = await call(asked, 'monitoring', 'DescribeAlarmHistory', {
    AlarmName,
    HistoryItemType: 'Action',
  });
  return History.parse(found).AlarmHistoryItems.map(({ HistorySummary }) => HistorySummary);
}
