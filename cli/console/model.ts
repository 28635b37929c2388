import { z } from 'zod';
import type { Answered, ModelLine, ModelView } from '../../console/contract';
import { getText } from '../../functions/lake/objects';
import { readChampion } from '../../functions/model/champion';
import { MAX_TEXTS_A_CALL } from '../../functions/model/endpoint';
import { modelKeys } from '../../functions/model/names';
import { readEvaluation } from '../../functions/model/read-evaluation';
import {
  registeredModel,
  registeredModels,
  type RegisteredModel,
} from '../../functions/model/registry';
import type { Session } from '../../session/session';
import { registryOf } from '../models';
import { reasonsIn } from '../../workflows/evaluation';
import { predict } from '../predict';
import { executionName } from '../run/follow';
import { Refused } from './door';
import { bucketOf } from './objects';

/** A model's version. */
export const Version = z.string().regex(/^sl-[A-Za-z0-9-]{1,60}$/);

/** Registered models, newest decision first. */
export async function listModels(session: Session): Promise<ModelLine[]> {
  const champion = (await readChampion(bucketOf(session)))?.value.modelVersion;
  const models = await registeredModels(registryOf(session));
  return models.map((model) => lineOf(model, champion));
}

const lineOf = (model: RegisteredModel, champion: string | undefined): ModelLine => ({
  version: model.modelVersion,
  inService: model.modelVersion === champion,
  decision: model.approval === 'Approved' ? 'promoted' : 'refused',
  decidedAt: Date.parse(model.decidedAt),
  execution: executionName(model.execution),
  because: reasonsIn(model.because),
  gitCommit: model.gitCommit ?? null,
  macroRecall: model.macroRecall ?? null,
  low: model.low ?? null,
  high: model.high ?? null,
});

/** The evaluation of a model, or why there is none. */
export async function evaluationOf(session: Session, version: string) {
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
  const [{ evaluation, problem }, manifest, champion, model] = await Promise.all([
    evaluationOf(session, version),
    getText(bucket, modelKeys(version).manifest),
    readChampion(bucket),
    registeredModel(registryOf(session), version),
  ]);
  const inService = champion?.value.modelVersion;
  return {
    version,
    inService: inService === version,
    line: model && lineOf(model, inService),
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
