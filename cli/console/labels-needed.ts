import type { LabelsNeeded } from '../../console/contract';
import { allLabels } from '../../functions/lake/labels';
import { Unreadables } from '../../functions/lake/set-aside';
import { readChampion } from '../../functions/model/champion';
import { heldOutLabels } from '../../functions/model/held-out';
import { registeredModels } from '../../functions/model/registry';
import { settingsFor } from '../../infra/config';
import type { Session } from '../../session/session';
import type { Evaluation } from '../../workflows/evaluation';
import { halfWidth } from '../compare-models';
import { labelsFor, rowsFor, TARGET, waitingRules } from '../labels/needed';
import { registryOf } from '../models';
import { describeRefused } from '../refused';
import { evaluationOf } from './model';
import { bucketOf } from './objects';

/** How many held-out rows the interval of the model in service stands on, and how many labels a narrower one needs. */
export async function showLabelsNeeded(session: Session): Promise<LabelsNeeded> {
  const inService = (await readChampion(bucketOf(session)))?.value.modelVersion ?? null;
  const [newest] = await registeredModels(registryOf(session));
  const [champion, candidate, now] = await Promise.all([
    inService === null ? null : evaluationOf(session, inService),
    newest === undefined ? null : evaluationOf(session, newest.modelVersion),
    heldOutNow(session),
  ]);
  const evaluation = champion?.evaluation ?? null;
  const stands = evaluation && standsOn(evaluation);
  return {
    champion: stands,
    problem:
      inService === null
        ? 'No model is in service yet: the first nightly run trains one.'
        : (champion?.problem ?? null),
    target: TARGET,
    heldOutNow: now,
    labelsMissing: stands && labelsFor(stands.rowsForTarget - (now?.rows ?? stands.rows)),
    waiting: waitingRules(
      now ?? countsOf(evaluation),
      settingsFor(session.environment).evaluation,
      candidate?.evaluation ?? null,
    ),
  };
}

function standsOn({ candidate, held_out, level }: Evaluation): LabelsNeeded['champion'] {
  const { version, macro_recall, interval } = candidate;
  return {
    version,
    rows: held_out.rows,
    macroRecall: macro_recall,
    ...interval,
    level,
    rowsForTarget: rowsFor(held_out.rows, halfWidth(interval), TARGET),
  };
}

/** As the labels in the lake give them; null for a person who may not read labels. */
async function heldOutNow({ people, outputs }: Session): Promise<LabelsNeeded['heldOutNow']> {
  const lake = { s3: people.labeller.s3, bucket: outputs.BucketName };
  try {
    const found = heldOutLabels(await allLabels(lake, new Unreadables()));
    const perClass = { negative: 0, neutral: 0, positive: 0 };
    for (const [, label] of found) perClass[label] += 1;
    return { rows: found.length, perClass };
  } catch (error) {
    if (describeRefused(error) === null) throw error;
    return null;
  }
}

/** Rows that the evaluation had. */
const countsOf = (evaluation: Evaluation | null): NonNullable<LabelsNeeded['heldOutNow']> =>
  evaluation === null
    ? { rows: 0, perClass: { negative: 0, neutral: 0, positive: 0 } }
    : { rows: evaluation.held_out.rows, perClass: evaluation.held_out.per_class };
