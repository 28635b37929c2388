import { z } from 'zod';
import type { ComparedModel, Comparison } from '../console/contract';
import { getText, keyOf, type LakeBucket } from '../functions/lake/objects';
import { readEvaluation } from '../functions/model/read-evaluation';
import { registeredModels, type RegisteredModel } from '../functions/model/registry';
import type { Session } from '../session/session';
import { UserError } from '../session/user-error';
import type { Workspace } from '../session/workspace';
import { Label, type Difference, type Evaluation } from '../workflows/evaluation';
import { records } from './athena';
import { registryOf } from './models';
import { runNamedQuery } from './query';

/**
 * Two registered models side by side: for `npm run lake -- models compare` and for the console. Throws UserError for
 * what is not registered, and for an evaluation that cannot be read.
 */
export async function compareTwo(
  workspace: Pick<Workspace, 'signal'>,
  session: Session,
  [first, second]: readonly [string, string],
): Promise<Comparison> {
  if (first === second) throw new UserError('Name two different models.');
  const models = await registeredModels(registryOf(session));
  const found = (version: string): RegisteredModel => {
    const model = models.find(({ modelVersion }) => modelVersion === version);
    if (model) return model;
    throw new UserError(`${version} is not registered. npm run lake -- models lists the models.`);
  };
  const [one, other] = [found(first), found(second)];
  const [a, b] = await Promise.all([evaluationOf(session, one), evaluationOf(session, other)]);
  const rows = records(
    await runNamedQuery(workspace, session, 'model_differences', {
      first_model: first,
      second_model: second,
    }),
  );
  return {
    first: figuresOf(first, a),
    second: figuresOf(second, b),
    sameHeldOutRows: a.held_out.sha256 === b.held_out.sha256,
    difference: differenceOf({ version: first, evaluation: a }, { version: second, evaluation: b }),
    tweets: tweetsOf(rows),
  };
}

async function evaluationOf(session: Session, { evaluation: uri }: RegisteredModel) {
  const bucket: LakeBucket = { s3: session.people.analyst.s3, bucket: session.outputs.BucketName };
  const found = await getText(bucket, keyOf(bucket, uri));
  if (found === null) throw new UserError(`There is no ${uri}: it has expired or was deleted.`);
  const { evaluation, problem } = readEvaluation(found.text, uri);
  if (evaluation === null) throw new UserError(`${uri} cannot be compared: ${problem}.`);
  return evaluation;
}

const figuresOf = (version: string, { candidate, held_out }: Evaluation): ComparedModel => ({
  version,
  macroRecall: candidate.macro_recall,
  interval: candidate.interval,
  accuracy: candidate.accuracy,
  macroF1: candidate.macro_f1,
  recall: candidate.recall,
  calibrationError: candidate.calibration.expected_error,
  heldOut: { rows: held_out.rows, sha256: held_out.sha256 },
});

interface Evaluated {
  version: string;
  evaluation: Evaluation;
}

/**
 * Macro recall of the second minus that of the first. Where one was trained while the other was champion (or the best
 * of the last days), its job scored both on the same rows: that paired interval. Otherwise the half-widths of both
 * intervals are added as those of independent measurements, root of the sum of squares; of models that were measured on
 * shared rows this is too wide rather than too narrow.
 */
export function differenceOf(first: Evaluated, second: Evaluated): Comparison['difference'] {
  const forwards = pairedWith(second.evaluation, first.version);
  if (forwards !== null) return judged(forwards, 'paired');
  const backwards = pairedWith(first.evaluation, second.version);
  if (backwards !== null) {
    const { value, low, high, level } = backwards;
    return judged({ value: -value, low: -high, high: -low, level }, 'paired');
  }
  const [a, b] = [first.evaluation, second.evaluation];
  const value = b.candidate.macro_recall - a.candidate.macro_recall;
  const half = Math.hypot(halfWidth(a.candidate.interval), halfWidth(b.candidate.interval));
  const level = Math.min(a.level, b.level);
  return judged({ value, low: value - half, high: value + half, level }, 'independent');
}

/** The candidate minus the other, if the candidate's training scored that one, too. */
function pairedWith(
  { champion, candidate_minus_champion, best, candidate_minus_best }: Evaluation,
  version: string,
): Difference | null {
  if (champion?.version === version) return candidate_minus_champion;
  if (best?.version === version) return candidate_minus_best ?? null;
  return null;
}

const judged = (
  { value, low, high, level }: Omit<Difference, 'resamples'>,
  how: Comparison['difference']['how'],
): Comparison['difference'] => ({
  value,
  low,
  high,
  level,
  how,
  isMoreThanChance: low > 0 || high < 0,
});

export const halfWidth = ({ low, high }: { low: number; high: number }): number => (high - low) / 2;

/** A row of `model_differences`; each repeats the counts, and without a text there is nothing but them. */
const DifferenceRow = z.object({
  both: z.coerce.number().int(),
  differ: z.coerce.number().int(),
  text: z.string().nullable(),
  first_label: Label.nullable(),
  second_label: Label.nullable(),
  second_confidence: z.coerce.number().nullable(),
});

function tweetsOf(rows: readonly Record<string, string | null>[]): Comparison['tweets'] {
  const parsed = z.array(DifferenceRow).parse(rows);
  const [counts] = parsed;
  if (counts === undefined) return null;
  return {
    both: counts.both,
    differ: counts.differ,
    shown: parsed.flatMap(
      ({ text, first_label: first, second_label: second, second_confidence }) =>
        text === null || first === null || second === null
          ? []
          : [{ text, first, second, secondConfidence: second_confidence ?? 0 }],
    ),
  };
}
