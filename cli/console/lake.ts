import { z } from 'zod';
import type { LakeView, Question, Result } from '../../console/contract';
import { getText, type LakeBucket } from '../../functions/lake/objects';
import { jsonOf } from '../../functions/lake/unpack';
import { renderedCatalog } from '../../queries/catalog';
import { datasets, prefixes } from '../../workflows/datasets';
import type { Session } from '../../session/session';
import type { Workspace } from '../../session/workspace';
import { runSql } from '../athena';
import { prepareQuery } from '../query';
import { describeRefused } from '../refused';
import { bucketOf, storedBelow } from './objects';
import { newestIngest } from './runs';

/** Most rows that a result carries to the page; the command line prints all of them. */
export const MOST_ROWS = 5000;
/** Objects that are counted below a prefix; beyond, the page says "more than". */
const MOST_OBJECTS = 200_000;
/** Newest objects of the quarantine whose reasons are counted. */
const QUARANTINE_OBJECTS = 200;

type Lake = Pick<Workspace, 'signal'>;
type Size = LakeView['prefixes'][number];

/** The catalog's questions, without the pipeline's own checks. */
export const listQuestions = (): Question[] =>
  renderedCatalog()
    .filter(({ kind }) => kind === 'question')
    .map(({ name, title, parameters }) => ({ name, title, parameters }));

/** Answers a question of the catalog as the analyst. Throws UserError for a wrong name or value. */
export function answerQuestion(
  lake: Lake,
  session: Session,
  name: string,
  values: Readonly<Record<string, string>>,
): Promise<Result> {
  const given = Object.fromEntries(Object.entries(values).filter(([, value]) => value !== ''));
  const { sql, literals } = prepareQuery(session.environment, name, given);
  return timed(lake, session, sql, literals);
}

/** Runs one statement as the analyst. Throws UserError where Athena refuses it. */
export const runStatement = (lake: Lake, session: Session, sql: string): Promise<Result> =>
  timed(lake, session, sql, []);

async function timed(
  lake: Lake,
  session: Session,
  sql: string,
  literals: string[],
): Promise<Result> {
  const started = Date.now();
  const { columns, rows } = await runSql(lake, session, sql, literals);
  return {
    sql: withLiterals(sql, literals),
    columns,
    rows: rows.slice(0, MOST_ROWS),
    isCut: rows.length > MOST_ROWS,
    milliseconds: Date.now() - started,
    whyEmpty: rows.length > 0 ? null : await whyEmpty(lake, session),
  };
}

/** The statement as a person can run it: each `?` beside its comment becomes its value. */
export function withLiterals(sql: string, literals: readonly string[]): string {
  let place = 0;
  return sql.replaceAll(/\?(?: \/\* \w+ \*\/)?/g, (found) => literals[place++] ?? found);
}

async function whyEmpty(lake: Lake, session: Session): Promise<string | null> {
  const { rows } = await runSql(lake, session, 'select max(dt) as newest from tweets');
  const newest = rows[0]?.[0] ?? null;
  return newest === null
    ? 'The lake has no published tweets yet: the first nightly run publishes some.'
    : `No row matches. The newest published day is ${newest}; a question looks at the last days unless you give it a from_day.`;
}

const Line = z.object({ reason: z.string().catch('unknown') });

/** What lies where, and what did not get in. */
export async function showLake(session: Session): Promise<LakeView> {
  const bucket = bucketOf(session);
  const folders = [
    ...Object.values(datasets).map(({ prefix }) => prefix),
    prefixes.queued,
    prefixes.audit,
    prefixes.models,
  ];
  const sizes = await Promise.all(
    [...new Set(folders)].map(async (prefix): Promise<Size> => {
      const size = { prefix, objects: 0, bytes: 0, isCut: false, problem: null };
      try {
        return await measured(bucket, size);
      } catch (error) {
        const problem = describeRefused(error);
        if (problem === null) throw error;
        return { ...size, problem: 'AnalyticsRole may not list it' };
      }
    }),
  );
  const ingest = await newestIngest(session);
  return {
    prefixes: sizes.toSorted((a, b) => a.prefix.localeCompare(b.prefix)),
    quarantine: await quarantined(session),
    gaps: ingest?.gaps ?? [],
    open: ingest?.open ?? [],
  };
}

async function measured(bucket: LakeBucket, size: Size): Promise<Size> {
  const sum = { ...size };
  for await (const { bytes } of storedBelow(bucket, size.prefix)) {
    if (sum.objects === MOST_OBJECTS) return { ...sum, isCut: true };
    sum.objects += 1;
    sum.bytes += bytes;
  }
  return sum;
}

async function quarantined(session: Session): Promise<LakeView['quarantine']> {
  const bucket = bucketOf(session);
  const newest: { key: string; modified: number }[] = [];
  for await (const object of storedBelow(bucket, datasets.quarantine.prefix)) newest.push(object);
  const keys = newest
    .toSorted((a, b) => b.modified - a.modified)
    .slice(0, QUARANTINE_OBJECTS)
    .map(({ key }) => key);
  const counts = new Map<string, number>();
  for (const key of keys) {
    const found = await getText(bucket, key);
    for (const line of (found?.text ?? '').split('\n').filter((one) => one !== '')) {
      const { reason } = Line.catch({ reason: 'not readable' }).parse(jsonOf(line) ?? {});
      counts.set(reason, (counts.get(reason) ?? 0) + 1);
    }
  }
  return [...counts]
    .map(([reason, records]) => ({ reason, records }))
    .toSorted((a, b) => b.records - a.records);
}
