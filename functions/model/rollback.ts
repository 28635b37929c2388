import { StepError } from '../../workflows/errors';
import type { EvaluateCandidateOutput, ServedModel } from '../../workflows/payloads';
import { keyOf, listObjects } from '../lake/objects';
import type { LakeBucket } from '../lake/objects';
import { readChampion } from './champion';
import { registeredModel } from './registry';
import type { Registry } from './registry';

/**
 * The decision of a run of mode `rollback`: the model to serve again, without training. `wanted` is a version; null
 * takes the one that was in service before. Throws `RollbackRefused` for a model that is not registered as Approved, is
 * in service, or lost its archive.
 */
export async function decideRollback(
  lake: LakeBucket,
  registry: Registry,
  wanted: string | null,
): Promise<EvaluateCandidateOutput> {
  const champion = (await readChampion(lake))?.value ?? null;
  if (champion === null) throw refused('No model is in service yet.');
  const version = wanted ?? champion.previous;
  if (version === null)
    throw refused(`${champion.modelVersion} is the first model: there is none before it.`);
  if (version === champion.modelVersion) throw refused(`${version} is in service already.`);
  const model = await registeredModel(registry, version);
  if (model === null) throw refused(`${version} is not registered.`);
  if (model.approval !== 'Approved')
    throw refused(`${version} is registered as ${model.approval}: ${model.because}.`);
  if ((await listObjects(lake, keyOf(lake, model.modelUri))).length === 0)
    throw refused(`Its archive is gone: there is no ${model.modelUri}.`);
  const served: ServedModel = {
    version,
    modelUri: model.modelUri,
    evaluationUri: model.evaluation,
    manifestUri: model.manifest,
    fingerprint: model.fingerprint,
    ...(model.macroRecall !== undefined && { macroRecall: model.macroRecall }),
  };
  return {
    promote: true,
    forced: false,
    reasons: [`passed: Rollback: ${version} was promoted by ${model.execution}, and is approved`],
    inService: champion.modelVersion,
    ...(model.digest !== undefined && { digest: model.digest }),
    rollback: served,
    heldOutRows: null,
    candidate: null,
    champion: null,
    lexicon: null,
    minusChampion: null,
    minusLexicon: null,
  };
}

const refused = (why: string): StepError =>
  new StepError(
    'RollbackRefused',
    `${why} npm run lake -- models lists the models that can be served again.`,
  );
