import type { Drift, StreamBacklog } from '../../workflows/payloads';
import type { MetricValues } from '../shared/metrics';
import { beyondLimit, ofLimit } from './drift-measures';

/** What a run sees of its surroundings at its end. */
export interface Looks {
  drift: Drift;
  stream: StreamBacklog;
}

export function lookMetrics({ drift, stream }: Looks): MetricValues {
  const known =
    drift.status === 'COMPARED' ? drift.measures.filter(({ value }) => value !== null) : [];
  return {
    ...(known.length > 0 && { DriftOfLimit: Math.max(...known.map(ofLimit)) }),
    StreamBacklog: stream.records,
  };
}

/** Sentences for the report's summary: what a person should look at. Without drift and backlog there are none. */
export function notices({ drift, stream }: Looks): string[] {
  const beyond = beyondLimit(drift).map(({ name, change }) => `${name} (${change})`);
  return [
    ...(beyond.length > 0
      ? [`Drift: the newest tweets differ from the training of the model in ${beyond.join('; ')}.`]
      : []),
    ...(stream.records > 0 || stream.waitingForModel
      ? [`Stream: ${describeBacklog(stream)}.`]
      : []),
  ];
}

/** `12 records that the scorer has not taken yet, the oldest 41 s old` */
export function describeBacklog({
  records,
  isMore,
  oldestSeconds,
  waitingForModel,
}: StreamBacklog): string {
  const waiting = waitingForModel
    ? `; ${counted(waitingForModel, 'tweet')} wait for a first model`
    : '';
  if (records === 0) return `the scorer has taken every record${waiting}`;
  const age = oldestSeconds === null ? '' : `, the oldest ${Math.round(oldestSeconds)} s old`;
  return `${isMore ? 'more than ' : ''}${counted(records, 'record')} that the scorer has not taken yet${age}${waiting}`;
}

const counted = (value: number, noun: string): string =>
  `${value.toLocaleString('en-US')} ${noun}${value === 1 ? '' : 's'}`;
