import { getJson, listObjects, putJson, uriOf, type LakeBucket } from '../functions/lake/objects';
import {
  ForgottenMark,
  forgottenMarkKey,
  readForgottenMark,
} from '../functions/model/forgotten-mark';
import { TrainingData } from '../functions/model/training-inputs';
import { prefixes } from '../workflows/datasets';
import { StepError } from '../workflows/errors';
import type { HoldingVersion } from './cleaned';
import type { Scrubbing } from './scrub';

const REQUEST = new RegExp(`^${prefixes.models}([^/]+)/input/request\\.json$`);

interface JobsGiven {
  jobs: { job: string; mark: Pick<ForgottenMark, 'cleaned' | 'labels'> }[];
  /** Keys of training requests that are damaged or of a newer version: their models' training data is unknown. */
  unreadable: string[];
}

/** Finds the training jobs whose input contains one of the snapshots or label objects. */
async function jobsGiven(
  lake: LakeBucket,
  versions: readonly HoldingVersion[],
  labelKeys: readonly string[],
): Promise<JobsGiven> {
  const holding = new Set(versions.map(({ date, version }) => `${date} ${version}`));
  const uris = new Set(labelKeys.map((key) => uriOf(lake, key)));
  const jobs: JobsGiven['jobs'] = [];
  const unreadable: string[] = [];
  for (const { key } of await listObjects(lake, prefixes.models)) {
    const [, job] = REQUEST.exec(key) ?? [];
    if (job === undefined) continue;
    const request = await getJson(lake, key, TrainingData).catch((error: unknown) => {
      if (!(error instanceof StepError && error.name === 'ContractBroken')) throw error;
      unreadable.push(key);
      return null;
    });
    if (request === null) continue;
    const cleaned = request.value.cleaned_data
      .filter(({ date, version }) => holding.has(`${date} ${version}`))
      .map(({ date, version }) => ({ date, version }));
    const labels = request.value.labels.map(({ uri }) => uri).filter((uri) => uris.has(uri));
    if (cleaned.length + labels.length > 0) jobs.push({ job, mark: { cleaned, labels } });
  }
  return { jobs, unreadable };
}

/**
 * Marks every model whose input contained an erased row, in a day's snapshot or a label object. We do not check
 * whether training used that very row: it is safer to mark too many models than too few. Returns the marked models
 * and the keys of training requests that could not be read.
 */
export async function markModels(
  { lake, mustHold }: Scrubbing,
  versions: readonly HoldingVersion[],
  labelKeys: readonly string[],
  now: Date,
): Promise<{ marked: string[]; unreadable: string[] }> {
  const { jobs, unreadable } = await jobsGiven(lake, versions, labelKeys);
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
  return { marked: jobs.map(({ job }) => job), unreadable };
}
