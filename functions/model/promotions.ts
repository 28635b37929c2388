import { z } from 'zod';
import { durable, lenient } from '../../workflows/durable';
import { StepError } from '../../workflows/errors';
import { Sha256 } from '../../workflows/evaluation';
import { Champion } from '../../workflows/payloads';
import { getJson, keyOf, listObjects, putJsonIf, uriOf } from '../lake/objects';
import type { LakeBucket } from '../lake/objects';
import { MOST_BEST_OF_DAYS } from '../settings/settings';
import { DAY_MS } from '../shared/clock';
import { log } from '../shared/step';
import { PROMOTIONS_KEY } from './names';

const PromotedModel = z.object({
  version: z.string(),
  modelUri: z.string(),
  /** On the held-out rows of the run that promoted it. */
  macroRecall: z.number().min(0).max(1),
  /** Its macro recall minus that of the champion of then, on the same rows; absent if there was none to compare with. */
  minusChampion: z.object({ version: z.string(), value: z.number().min(-1).max(1) }).optional(),
  /** Unknown for models of older releases. */
  digest: Sha256.optional(),
  promotedAt: z.string(),
  /** A person promoted it against the rules: what was in service before is no measure any more. */
  forced: z.boolean(),
});
export type PromotedModel = z.infer<typeof PromotedModel>;

/** `model-outputs/promotions.json`: the models promoted in the last year, oldest first. */
export const Promotions = durable(
  'The record of the promotions',
  z.object({ schemaVersion: z.literal(1), promotions: z.array(lenient(PromotedModel)) }),
);
export type Promotions = z.infer<typeof Promotions>;

/** The models promoted since then, oldest first; one that was promoted twice is there twice. */
export async function promotedSince(lake: LakeBucket, since: Date): Promise<PromotedModel[]> {
  const found = await getJson(lake, PROMOTIONS_KEY, Promotions);
  return (found?.value.promotions ?? []).filter(
    ({ promotedAt }) => Date.parse(promotedAt) >= since.valueOf(),
  );
}

/** Another promotion at the same time is rare: one run at a time promotes. */
const MOST_TRIES = 5;

/**
 * Adds a promotion to the record, unless it is there, and deletes those that are older by more than a year. A champion
 * of an older release may have no macro recall; it is not recorded. `minusChampion`: its macro recall minus that of the
 * champion it replaced, on the same rows, if there was one.
 */
export async function recordPromotion(
  lake: LakeBucket,
  { modelVersion, modelUri, macroRecall, digest, promotedAt, forced, previous }: Champion,
  minusChampion?: number,
): Promise<void> {
  if (macroRecall === undefined) return;
  const promoted: PromotedModel = {
    version: modelVersion,
    modelUri,
    macroRecall,
    ...(previous !== null &&
      minusChampion !== undefined && {
        minusChampion: { version: previous, value: minusChampion },
      }),
    ...(digest !== undefined && { digest }),
    promotedAt,
    forced,
  };
  const oldest = Date.parse(promotedAt) - MOST_BEST_OF_DAYS * DAY_MS;
  for (let tries = 0; tries < MOST_TRIES; tries += 1) {
    const found = await getJson(lake, PROMOTIONS_KEY, Promotions);
    const known = found?.value.promotions ?? [];
    if (known.some((one) => one.version === modelVersion && one.promotedAt === promotedAt)) return;
    const record: Promotions = {
      ...found?.value,
      schemaVersion: 1,
      promotions: [...known, promoted].filter((one) => Date.parse(one.promotedAt) >= oldest),
    };
    if (await putJsonIf(lake, PROMOTIONS_KEY, record, { ifMatch: found?.etag ?? null })) return;
  }
  throw new StepError(
    'PromotionConflict',
    `${uriOf(lake, PROMOTIONS_KEY)} was changed by others ${MOST_TRIES} times while ${modelVersion} was recorded. Redrive this execution.`,
  );
}

/** The best model promoted in the last days whose archive is still there; null if that is the champion. */
export async function bestOfDays(
  lake: LakeBucket,
  { now, days, champion }: { now: Date; days: number; champion: string },
): Promise<PromotedModel | null> {
  const since = new Date(now.valueOf() - days * DAY_MS);
  for (const model of betterThanChampion(await promotedSince(lake, since), champion)) {
    // A channel without an object would fail the training job.
    if ((await listObjects(lake, keyOf(lake, model.modelUri))).length > 0) return model;
    log({ archiveIsGone: model.modelUri });
  }
  return null;
}

/**
 * The models that are better than the champion, best first; none before the second promotion. Macro recalls of
 * different runs come of different held-out rows, so a model's rank is that of the champion it replaced and the
 * difference that was measured between them on the same rows. Its own macro recall counts where there is no such
 * difference. A model that a person forced into service begins the ranking anew.
 */
function betterThanChampion(models: readonly PromotedModel[], champion: string): PromotedModel[] {
  const ranks = new Map<string, { rank: number; model: PromotedModel }>();
  for (const model of models) {
    if (model.forced) ranks.clear();
    const { minusChampion, macroRecall, version } = model;
    const replaced = minusChampion && ranks.get(minusChampion.version);
    ranks.set(version, {
      rank: minusChampion && replaced ? replaced.rank + minusChampion.value : macroRecall,
      model,
    });
  }
  const own = ranks.get(champion)?.rank ?? -Infinity;
  return [...ranks.values()]
    .filter(({ rank, model }) => rank > own && model.version !== champion)
    .sort((a, b) => b.rank - a.rank)
    .map(({ model }) => model);
}
