import { S3Client } from '@aws-sdk/client-s3';
import { StepError } from '../workflows/errors';
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
import { onFirstCall, step } from './shared/step';

interface Dependencies {
  lake: LakeBucket;
  clock: Clock;
}

/** Records the candidate as the champion. From now on the stream is scored, too. */
export const promoteModel = ({ lake, clock }: Dependencies) =>
  step(StepInput, PromoteModelOutput, async ({ execution, state }): Promise<PromoteModelOutput> => {
    const { plan, train, evaluation, update } = state;
    if (
      train.status !== 'DONE' ||
      !('promote' in evaluation) ||
      !evaluation.promote ||
      evaluation.candidate === null ||
      update.status !== 'DONE'
    ) {
      throw new StepError(
        'PromotionConflict',
        'There is no model that was trained, accepted and put behind the endpoint',
      );
    }
    const before = await readChampion(lake);
    // Releases before 0.2 recorded no promotions.
    if (before !== null) await recordPromotion(lake, before.value);
    const promoted = await promote(lake, {
      schemaVersion: 1,
      modelVersion: train.jobName,
      modelUri: train.modelUri,
      evaluationUri: train.evaluationUri,
      manifestUri: train.manifestUri,
      configName: update.configName,
      fingerprint: train.fingerprint,
      ...(evaluation.digest !== undefined && { digest: evaluation.digest }),
      macroRecall: evaluation.candidate.macro_recall,
      promotedAt: clock.now().toISOString(),
      promotedBy: execution.arn,
      forced: evaluation.forced,
      ...(evaluation.forced && plan.force && { forcedBecause: plan.force.reason }),
      previous: evaluation.inService,
    });
    const { modelVersion, fingerprint, previous, promotedAt } = promoted;
    await recordPromotion(lake, promoted, evaluation.minusChampion?.value);
    await recordLastTraining(lake, { jobName: modelVersion, fingerprint, decidedAt: promotedAt });
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
  const { BUCKET } = readEnvironment('promote-model');
  return promoteModel({
    lake: { s3: aws(S3Client), bucket: BUCKET },
    clock: systemClock,
  });
});
