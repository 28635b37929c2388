import { Readable } from 'node:stream';
import { GetObjectCommand } from '@aws-sdk/client-s3';
import { z } from 'zod';
import { StepError } from '../../workflows/errors';
import type { Catalog } from '../lake/catalog';
import { listObjects, objectsBelow, removeObject, uriOf } from '../lake/objects';
import type { LakeBucket } from '../lake/objects';
import { during } from '../shared/aws';
import { inParallel } from '../shared/in-parallel';
import { Prediction } from './endpoint';
import { columnsOf, writeScored } from './scored';
import type { ScoredRow } from './scored';
import { transformKeys } from './transform-job';

/** Rows of one Parquet object: about 20 MB in the lake, and 100 MB while it is made. */
const ROWS_AN_OBJECT = 250_000;

const OutputLine = z.object({
  tweet_id: z.string(),
  SageMakerOutput: Prediction.extend({ model_version: z.string() }),
});

interface Job {
  name: string;
  modelVersion: string;
  /** Becomes `scored_at`: a repeated call writes the same bytes. */
  endedAt: Date;
}

/**
 * Writes a day's part of a completed job as few Parquet objects and adds its partition. Their names follow from the
 * job, so that a repeated call overwrites its own. Returns the number of rows. Throws `ScoringFailed` when the output is
 * incomplete or another model's.
 */
export async function publishScores(
  lake: LakeBucket,
  catalog: Catalog,
  job: Job,
  day: string,
  published: (rows: readonly ScoredRow[]) => void,
): Promise<number> {
  let total = 0;
  let rows: ScoredRow[] = [];
  const flush = async () => {
    const part = String(Math.floor((total - 1) / ROWS_AN_OBJECT)).padStart(4, '0');
    await writeScored(lake, catalog, day, `${job.name}-${part}`, rows);
    published(rows);
    rows = [];
  };
  for (const key of await outputsOf(lake, job.name, day)) {
    for await (const line of linesOf(lake, key)) {
      rows.push(scoredRow(line, job, uriOf(lake, key)));
      total += 1;
      if (rows.length === ROWS_AN_OBJECT) await flush();
    }
  }
  if (rows.length > 0) await flush();
  return total;
}

/** The keys of a day's output objects. SageMaker names each after its input object. */
async function outputsOf(lake: LakeBucket, jobName: string, day: string): Promise<string[]> {
  const { input, output } = transformKeys(jobName);
  const folder = `dt=${day}/`;
  const sent = await listObjects(lake, input + folder);
  const expected = sent.map(({ key }) => `${output}${key.slice(input.length)}.out`);
  const found = new Set((await listObjects(lake, output + folder)).map(({ key }) => key));
  const missing = expected.find((key) => !found.has(key));
  if (missing !== undefined || expected.length === 0)
    throw new StepError(
      'ScoringFailed',
      `The transform job ${jobName} has completed, but ${uriOf(lake, missing ?? input + folder)} is missing. ` +
        'A redrive of this execution scores again what is not scored yet.',
    );
  return expected;
}

async function* linesOf(lake: LakeBucket, key: string): AsyncGenerator<string> {
  const { Body } = await lake.s3.send(new GetObjectCommand({ Bucket: lake.bucket, Key: key }));
  if (!(Body instanceof Readable)) throw new Error(`S3 answered without a body for ${key}`);
  // Not node:readline, whose iterator does not report that the connection broke.
  const chunks = Body.setEncoding('utf8')[Symbol.asyncIterator]();
  let rest = '';
  try {
    for (;;) {
      // A connection that breaks inside the body is not an error of the request itself.
      const next = await during('S3 GetObject', () => chunks.next());
      if (next.done === true) break;
      const lines = (rest + String(next.value)).split('\n');
      rest = lines.pop() ?? '';
      yield* lines.filter((line) => line !== '');
    }
    if (rest !== '') yield rest;
  } finally {
    Body.destroy();
  }
}

function scoredRow(line: string, { name, modelVersion, endedAt }: Job, uri: string): ScoredRow {
  let value: unknown;
  try {
    value = JSON.parse(line);
  } catch {
    throw new StepError('ScoringFailed', `${uri} has a line that is not JSON`);
  }
  const parsed = OutputLine.safeParse(value);
  if (!parsed.success)
    throw new StepError('ScoringFailed', `${uri} has a line that is no prediction of a tweet`);
  const { tweet_id, SageMakerOutput: answer } = parsed.data;
  if (answer.model_version !== modelVersion)
    throw new StepError(
      'ScoringFailed',
      `The transform job ${name} answers as ${answer.model_version}, but the champion is ${modelVersion}`,
    );
  const { model_version } = answer;
  return { tweet_id, ...columnsOf(answer), model_version, scored_at: endedAt };
}

/** Deletes the objects of a published job, and what failed jobs have left: one run at a time has the lake. */
export async function removeTransforms(lake: LakeBucket, prefix: string): Promise<void> {
  const keys: string[] = [];
  for await (const { key } of objectsBelow(lake, prefix)) keys.push(key);
  await inParallel(8, keys, (key) => removeObject(lake, key));
}
