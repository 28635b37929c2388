import { ListObjectsV2Command } from '@aws-sdk/client-s3';
import { z } from 'zod';
import type { Answered, ModelLine, ModelView } from '../../console/contract';
import { getText } from '../../functions/lake/objects';
import { readChampion } from '../../functions/model/champion';
import { MAX_TEXTS_A_CALL } from '../../functions/model/endpoint';
import { modelKeys, modelNamePrefix } from '../../functions/model/names';
import { readEvaluation } from '../../functions/model/read-evaluation';
import type { Session } from '../../session/session';
import { prefixes } from '../../workflows/datasets';
import { predict } from '../predict';
import { Refused } from './door';
import { bucketOf } from './objects';

/** Newest models whose evaluation is read for the list. */
const MODELS = 60;

const Version = z.string().regex(/^sl-[A-Za-z0-9-]{1,60}$/);

/** Models with an evaluation, newest first. */
export async function listModels(session: Session): Promise<ModelLine[]> {
  const bucket = bucketOf(session);
  const champion = (await readChampion(bucket))?.value.modelVersion;
  const { CommonPrefixes = [] } = await bucket.s3.send(
    new ListObjectsV2Command({
      Bucket: bucket.bucket,
      Prefix: `${prefixes.models}${modelNamePrefix}`,
      Delimiter: '/',
    }),
  );
  const versions = CommonPrefixes.map(({ Prefix = '' }) =>
    Prefix.slice(prefixes.models.length, -1),
  ).filter((version) => Version.safeParse(version).success);
  // A version's name begins with its day.
  const newest = versions.toSorted().toReversed().slice(0, MODELS);
  const lines = await Promise.all(
    newest.map(async (version): Promise<ModelLine> => {
      const found = await bucket.s3.send(
        new ListObjectsV2Command({
          Bucket: bucket.bucket,
          Prefix: modelKeys(version).evaluation,
          MaxKeys: 1,
        }),
      );
      const { evaluation } = await evaluationOf(session, version);
      return {
        version,
        inService: version === champion,
        trainedAt: found.Contents?.[0]?.LastModified?.valueOf() ?? 0,
        macroRecall: evaluation?.candidate.macro_recall ?? null,
        low: evaluation?.candidate.interval.low ?? null,
        high: evaluation?.candidate.interval.high ?? null,
        rows: evaluation?.held_out.rows ?? null,
      };
    }),
  );
  return lines.toSorted((a, b) => b.trainedAt - a.trainedAt);
}

async function evaluationOf(session: Session, version: string) {
  const key = modelKeys(version).evaluation;
  const found = await getText(bucketOf(session), key);
  if (found === null) return { evaluation: null, problem: `There is no ${key}.` };
  return readEvaluation(found.text, key);
}

/** Throws Refused (404) for what is no model's version. */
export async function showModel(session: Session, version: string): Promise<ModelView> {
  if (!Version.safeParse(version).success)
    throw new Refused(404, `"${version}" is not a model's version.`);
  const bucket = bucketOf(session);
  const [{ evaluation, problem }, manifest, champion] = await Promise.all([
    evaluationOf(session, version),
    getText(bucket, modelKeys(version).manifest),
    readChampion(bucket),
  ]);
  return {
    version,
    inService: champion?.value.modelVersion === version,
    evaluation,
    problem,
    manifest: manifest?.text ?? null,
  };
}

/** The model's answer, and what it would say without each of the words. */
export async function tryText(session: Session, text: string): Promise<Answered> {
  const words = text.split(/\s+/u).filter((word) => word !== '');
  const without =
    words.length > 1 && words.length < MAX_TEXTS_A_CALL
      ? words.map((_, left) => words.filter((_, place) => place !== left).join(' '))
      : [];
  const { model_version, predictions } = await predict(session, [text, ...without]);
  const [whole, ...rest] = predictions;
  if (whole === undefined) throw new Refused(502, 'The model answered nothing.');
  const { label, probabilities } = whole;
  return {
    modelVersion: model_version,
    label,
    probabilities,
    words: rest.map((prediction, place) => ({
      word: words[place] ?? '',
      falls: probabilities[label] - prediction.probabilities[label],
    })),
  };
}
