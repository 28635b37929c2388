import { S3Client } from '@aws-sdk/client-s3';
import { StepError } from '../workflows/errors';
import { Evaluation } from '../workflows/evaluation';
import { JudgeModelOutput, StepInput } from '../workflows/payloads';
import { systemClock } from './clock';
import type { Clock } from './clock';
import { environments, readEnvironment } from './environment';
import { explain } from './explain';
import { getText, keyOf } from './lake/objects';
import type { Lake } from './lake/objects';
import { readChampion, settleTraining } from './model/champion';
import { judge } from './model/evaluation-rules';
import type { Sections } from './settings';
import { onFirstCall, step } from './step';

// Figures are rounded to a few digits before they are written.
const ROUNDING = 0.002;

interface Dependencies {
  lake: Lake;
  settings: Sections['gate'];
  clock: Clock;
}

/** Decides whether the candidate takes over. Fails closed: figures it cannot trust end the execution. */
export const judgeModel = ({ lake, settings, clock }: Dependencies) =>
  step(
    StepInput,
    JudgeModelOutput,
    async ({ state: { plan, train } }): Promise<JudgeModelOutput> => {
      if (train.status !== 'DONE') {
        throw new StepError(
          'EvaluationUnusable',
          `There is no trained model to judge: training is ${train.status}`,
        );
      }
      const evaluation = await readEvaluation(lake, train.evaluationUri);
      const champion = (await readChampion(lake))?.value.modelVersion ?? null;
      const compared = evaluation.champion?.version ?? null;
      if (compared !== champion) {
        throw unusable(
          train.evaluationUri,
          `it compares with ${compared ?? 'no champion'}, but in service is ${champion ?? 'none'}. ` +
            'Start a new execution with {"mode":"retrain"}',
        );
      }
      const verdict = judge(evaluation, settings);
      const promote = verdict.promote || plan.force;
      const forced = plan.force && !verdict.promote;
      if (!promote) {
        const { jobName, fingerprint } = train;
        await settleTraining(lake, { jobName, fingerprint, settledAt: clock.now().toISOString() });
      }
      return {
        promote,
        forced,
        reasons: forced
          ? [...verdict.reasons, 'Promoted all the same: the run was started with force']
          : verdict.reasons,
        heldOutRows: evaluation.held_out.rows,
        candidate: evaluation.candidate,
        champion: evaluation.champion,
        lexicon: evaluation.lexicon,
        minusChampion: evaluation.candidate_minus_champion,
        minusLexicon: evaluation.candidate_minus_lexicon,
      };
    },
  );

async function readEvaluation(lake: Lake, uri: string): Promise<Evaluation> {
  const found = await getText(lake, keyOf(lake, uri));
  if (found === null) {
    throw unusable(uri, 'there is no such object');
  }
  let value: unknown;
  try {
    value = JSON.parse(found.text);
  } catch {
    throw unusable(uri, 'it is not JSON (NaN and Infinity are not)');
  }
  const parsed = Evaluation.safeParse(value);
  if (!parsed.success) {
    throw unusable(uri, explain(parsed.error, value));
  }
  const contradiction = contradictionIn(parsed.data);
  if (contradiction !== null) {
    throw unusable(uri, contradiction);
  }
  return parsed.data;
}

/** Figures that cannot all be true, whatever wrote them. */
function contradictionIn(evaluation: Evaluation): string | null {
  const { candidate, champion, lexicon, candidate_minus_champion: minusChampion } = evaluation;
  if ((champion === null) !== (minusChampion === null)) {
    return 'champion and candidate_minus_champion must both be there, or neither';
  }
  const pairs = [
    { name: 'lexicon', other: lexicon, difference: evaluation.candidate_minus_lexicon },
    { name: 'champion', other: champion, difference: minusChampion },
  ];
  for (const { name, other, difference } of pairs) {
    if (other && difference) {
      const value = candidate.macro_recall - other.macro_recall;
      if (Math.abs(value - difference.value) > ROUNDING) {
        return `candidate_minus_${name} is ${difference.value}, but the macro recalls differ by ${value.toFixed(4)}`;
      }
      if (difference.low > difference.high) {
        return `the interval of candidate_minus_${name} ends before it begins`;
      }
    }
  }
  for (const [name, scores] of Object.entries({ candidate, champion, lexicon })) {
    if (scores) {
      const { negative, neutral, positive } = scores.recall;
      const mean = (negative + neutral + positive) / 3;
      if (Math.abs(mean - scores.macro_recall) > ROUNDING) {
        return `${name}.macro_recall is ${scores.macro_recall}, but the mean of its recalls is ${mean.toFixed(4)}`;
      }
    }
  }
  return null;
}

const unusable = (uri: string, why: string): StepError =>
  new StepError('EvaluationUnusable', `${uri} cannot decide on the model: ${why}`);

export const handler = onFirstCall(() => {
  const { BUCKET, SETTINGS } = readEnvironment(environments['judge-model']);
  return judgeModel({
    lake: { s3: new S3Client({}), bucket: BUCKET },
    settings: SETTINGS.gate,
    clock: systemClock,
  });
});
