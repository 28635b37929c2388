import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { StepError } from '../workflows/errors';
import { becauseOf } from '../workflows/evaluation';
import { PromoteModelOutput, StepInput } from '../workflows/payloads';
import type { Champion } from '../workflows/payloads';
import { aws } from './shared/aws';
import { systemClock } from './shared/clock';
import type { Clock } from './shared/clock';
import { readEnvironment } from './settings/environment';
import { putJsonIf } from './lake/objects';
import type { LakeBucket } from './lake/objects';
import { readChampion, recordLastTraining } from './model/champion';
import { CHAMPION_KEY } from './model/names';
import { recordPromotion } from './model/promotions';
import { decide, pruneModels, register, registerChampion } from './model/registry';
import type { Registry } from './model/registry';
import { modelToServe } from './model/served';
import type { FunctionSettings } from './settings/settings';
import { log, onFirstCall, step } from './shared/step';

interface Dependencies {
  lake: LakeBucket;
  clock: Clock;
  registry: Registry;
  servingImage: string;
  settings: FunctionSettings['registry'];
}

/**
 * Records the model as the champion and registers it. From now on the stream is scored, too. Then deletes what is old in
 * the registry.
 */
export const promoteModel = ({ lake, clock, registry, servingImage, settings }: Dependencies) =>
  step(StepInput, PromoteModelOutput, async ({ execution, state }): Promise<PromoteModelOutput> => {
    const { plan, evaluation, update } = state;
    const model = modelToServe(state);
    if (
      model === null ||
      !('promote' in evaluation) ||
      !evaluation.promote ||
      (evaluation.candidate === null && evaluation.rollback === undefined) ||
      update.status !== 'DONE'
    ) {
      throw new StepError(
        'PromotionConflict',
        'There is no model that was trained, accepted and put behind the endpoint',
      );
    }
    const { version, modelUri, evaluationUri, manifestUri, fingerprint, macroRecall } = model;
    const before = (await readChampion(lake))?.value ?? null;
    // First, so that a model in service is always registered, and one can always go back to the one before.
    if (before !== null && before.modelVersion !== version) {
      await registerChampion(registry, lake, before, servingImage);
      // Older releases recorded no promotions.
      await recordPromotion(lake, before);
    }
    const promoted = await promote(lake, {
      schemaVersion: 1,
      modelVersion: version,
      modelUri,
      evaluationUri,
      manifestUri,
      configName: update.configName,
      fingerprint,
      ...(evaluation.digest !== undefined && { digest: evaluation.digest }),
      ...(macroRecall !== undefined && { macroRecall }),
      promotedAt: clock.now().toISOString(),
      promotedBy: execution.arn,
      forced: evaluation.forced,
      ...(evaluation.forced && plan.force && { forcedBecause: plan.force.reason }),
      ...(evaluation.rollback &&
        evaluation.inService !== null && { rolledBackFrom: evaluation.inService }),
      previous: evaluation.inService,
    });
    const { modelVersion, previous, promotedAt } = promoted;
    // After a rollback, what a person went back from is no measure any more.
    const forced = promoted.forced || evaluation.rollback !== undefined;
    await recordPromotion(lake, { ...promoted, forced }, evaluation.minusChampion?.value);
    if (evaluation.rollback === undefined) {
      // Not after a rollback: the newest training stays the last one, so the next night does not repeat it.
      await recordLastTraining(lake, { jobName: modelVersion, fingerprint, decidedAt: promotedAt });
      await register(
        registry,
        lake,
        {
          ...promoted,
          macroRecall,
          digest: evaluation.digest,
          execution: execution.arn,
          decidedAt: promotedAt,
        },
        'Approved',
        becauseOf(evaluation.reasons),
        servingImage,
      );
    } else if (previous !== null) {
      await decide(
        registry,
        previous,
        'Approved',
        `Rolled back from by ${execution.arn} at ${promotedAt}`,
      );
    }
    const pruned = await pruneModels(registry, settings, [modelVersion, previous], clock.now());
    if (pruned.length > 0) log({ function: 'promote-model', pruned });
    return { modelVersion, previous, promotedAt };
  });

/** Replaces the champion that the candidate was compared with, and no other. */
async function promote(lake: LakeBucket, candidate: Champion): Promise<Champion> {
  const found = await readChampion(lake);
  const current = found?.value.modelVersion ?? null;
  if (found && current === candidate.modelVersion) {
    return found.value;
  }
  const written =
    current === candidate.previous &&
    (await putJsonIf(lake, CHAMPION_KEY, candidate, { ifMatch: found?.etag ?? null }));
  if (!written) {
    throw new StepError(
      'PromotionConflict',
      `${candidate.modelVersion} was compared with ${candidate.previous ?? 'no champion'}, but meanwhile ` +
        `${current ?? 'another model'} is in service. Start a new execution with {"mode":"retrain"}.`,
    );
  }
  return candidate;
}

export const handler = onFirstCall(() => {
  const { BUCKET, LAKE, SERVING_IMAGE, SETTINGS } = readEnvironment('promote-model');
  return promoteModel({
    lake: { s3: aws(S3Client), bucket: BUCKET },
    clock: systemClock,
    registry: { sageMaker: aws(SageMakerClient), group: LAKE },
    servingImage: SERVING_IMAGE,
    settings: SETTINGS.registry,
  });
});
