import { getJson, listObjects, putJson, uriOf, type Lake } from '../../../functions/lake/objects';
import {
  ForgottenMark,
  forgottenMarkKey,
  readForgottenMark,
} from '../../../functions/model/forgotten-mark';
import { TrainingData } from '../../../functions/model/training-inputs';
import { prefixes } from '../../../workflows/datasets';
import { StepError } from '../../../workflows/errors';
import type { HoldingVersion } from './cleaned';
import type { Scrubbing } from './scrub';

const REQUEST = new RegExp(`^${prefixes.models}([^/]+)/input/request\\.json$`);

/** Of a request that is damaged nobody knows what its model was given: it is passed over, its model being no more told. */
function unreadable(error: unknown): null {
  if (error instanceof StepError && error.name === 'ContractBroken') return null;
  throw error;
}

/** The training jobs that were given one of the versions or label objects. */
async function jobsGiven(
  lake: Lake,
  versions: readonly HoldingVersion[],
  labelKeys: readonly string[],
): Promise<{ job: string; mark: Pick<ForgottenMark, 'cleaned' | 'labels'> }[]> {
  const holding = new Set(versions.map(({ date, version }) => `${date} ${version}`));
  const uris = new Set(labelKeys.map((key) => uriOf(lake, key)));
  const jobs = [];
  for (const { key } of await listObjects(lake, prefixes.models)) {
    const [, job] = REQUEST.exec(key) ?? [];
    const request =
      job === undefined ? null : await getJson(lake, key, TrainingData).catch(unreadable);
    if (job === undefined || request === null) continue;
    const cleaned = request.value.cleaned_data
      .filter(({ date, version }) => holding.has(`${date} ${version}`))
      .map(({ date, version }) => ({ date, version }));
    const labels = request.value.labels.map(({ uri }) => uri).filter((uri) => uris.has(uri));
    if (cleaned.length + labels.length > 0) jobs.push({ job, mark: { cleaned, labels } });
  }
  return jobs;
}

/**
 * Marks every model that was given what is now forgotten: days or labels that held it. Whether training picked
 * that very row is not asked: a model too many is marked rather than one too few.
 */
export async function markModels(
  { lake, mustHold }: Scrubbing,
  versions: readonly HoldingVersion[],
  labelKeys: readonly string[],
  now: Date,
): Promise<string[]> {
  const jobs = await jobsGiven(lake, versions, labelKeys);
  for (const { job, mark } of jobs) {
    mustHold();
    const before = await readForgottenMark(lake, job);
    const days = [...(before?.cleaned ?? []), ...mark.cleaned];
    await putJson(lake, forgottenMarkKey(job), {
      ...before,
      schemaVersion: 1,
      markedAt: now.toISOString(),
      cleaned: [...new Map(days.map((day) => [`${day.date} ${day.version}`, day])).values()],
      labels: [...new Set([...(before?.labels ?? []), ...mark.labels])],
    } satisfies ForgottenMark);
  }
  return jobs.map(({ job }) => job);
}
