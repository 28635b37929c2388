import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { StepError } from '../workflows/errors';
import { becauseOf } from '../workflows/evaluation';
import type { Evaluation, MeasuredModel, Scores } from '../workflows/evaluation';
import { EvaluateCandidateOutput, StepInput } from '../workflows/payloads';
import { aws } from './shared/aws';
import type { Champion } from '../workflows/payloads';
import { systemClock } from './shared/clock';
import type { Clock } from './shared/clock';
import { readEnvironment } from './settings/environment';
import { getJson, getText, keyOf } from './lake/objects';
import type { LakeBucket } from './lake/objects';
import { readChampion, recordLastTraining } from './model/champion';
import { shortOfLexicon } from './model/behaviour-rules';
import { rulesFor } from './model/evaluation-rules';
import type { Compared } from './model/evaluation-rules';
import { heldOutNow } from './model/held-out';
import { modelKeys } from './model/names';
import { readEvaluation } from './model/read-evaluation';
import { register } from './model/registry';
import type { Registry } from './model/registry';
import { decideRollback } from './model/rollback';
import { rule } from './model/rule';
import { TrainingRequest } from './model/training-inputs';
import type { FunctionSettings } from './settings/settings';
import { onFirstCall, step } from './shared/step';

interface Dependencies {
  lake: LakeBucket;
  settings: FunctionSettings['evaluation'];
  clock: Clock;
  registry: Registry;
  servingImage: string;
}

/**
 * Decides whether the candidate takes over. Fails closed: what cannot be trusted is a reason to leave everything as
 * it is. Force reaches past broken rules, and never past an evaluation that is not to be trusted.
 */
export const evaluateCandidate = ({
  lake,
  settings,
  clock,
  registry,
  servingImage,
}: Dependencies) =>
  step(
    StepInput,
    EvaluateCandidateOutput,
    async ({ execution, state: { plan, train } }): Promise<EvaluateCandidateOutput> => {
      if (plan.mode === 'rollback') return decideRollback(lake, registry, plan.rollbackTo ?? null);
      if (train.status !== 'DONE') {
        throw new StepError(
          'EvaluationUnusable',
          `There is no trained model to evaluate: training is ${train.status}`,
        );
      }
      const text = await evaluationText(lake, train.evaluationUri);
      const champion = (await readChampion(lake))?.value ?? null;
      const inService = champion?.modelVersion ?? null;
      const { evaluation, problem } = readEvaluation(text, train.evaluationUri);
      const request = await getJson(lake, modelKeys(train.jobName).request, TrainingRequest);
      const best = request?.value.best ?? null;
      const distrust =
        problem ??
        (await mismatchIn(evaluation, { lake, inService: champion, best, jobName: train.jobName }));
      const decision =
        evaluation === null || distrust !== null
          ? {
              promote: false,
              forced: false,
              reasons: [rule(false, `Evaluation: not to be trusted: ${distrust}`).sentence],
            }
          : decide(
              evaluation,
              settings,
              { champion: inService, best: best?.version ?? null },
              plan.force,
            );
      if (!decision.promote) {
        const { jobName, fingerprint } = train;
        const decidedAt = clock.now().toISOString();
        await register(
          registry,
          lake,
          {
            ...train,
            modelVersion: jobName,
            macroRecall: evaluation?.candidate.macro_recall,
            digest: evaluation?.candidate.digest,
            execution: execution.arn,
            decidedAt,
          },
          'Rejected',
          becauseOf(decision.reasons),
          servingImage,
        );
        await recordLastTraining(lake, { jobName, fingerprint, decidedAt });
      }
      return { ...decision, inService, ...figuresOf(evaluation) };
    },
  );

async function evaluationText(lake: LakeBucket, uri: string): Promise<string> {
  const found = await getText(lake, keyOf(lake, uri));
  if (found === null) {
    throw new StepError(
      'EvaluationUnusable',
      `${uri} cannot decide on the model: there is no such object`,
    );
  }
  return found.text;
}

interface Circumstances {
  lake: LakeBucket;
  inService: Champion | null;
  /** The model of the last days that the training was to compare with, too. */
  best: TrainingRequest['best'];
  jobName: string;
}

/** Why a valid evaluation does not belong to this run; null if it does. */
async function mismatchIn(
  { candidate, champion, best, held_out }: Evaluation,
  { lake, inService, best: requested, jobName }: Circumstances,
): Promise<string | null> {
  const again = 'Start a new execution with {"mode":"retrain"}';
  if (candidate.version !== jobName) {
    return `it is about ${candidate.version}, and trained was ${jobName}`;
  }
  if (champion !== null && champion.version !== inService?.modelVersion) {
    return `it compares with ${champion.version}, but in service is ${inService?.modelVersion ?? 'none'}. ${again}`;
  }
  if (best && best.version !== requested?.version) {
    return `it compares with ${best.version} as the best model, but requested was ${requested?.version ?? 'none'}. ${again}`;
  }
  const archives = [
    {
      what: 'champion',
      version: inService?.modelVersion,
      uri: inService?.modelUri,
      is: champion?.digest,
      was: inService?.digest,
    },
    {
      what: 'best model',
      version: requested?.version,
      uri: requested?.uri,
      is: best?.digest,
      was: requested?.digest,
    },
  ];
  for (const { what, version, uri, is, was } of archives) {
    if (isAnother(is, was)) {
      return (
        `the archive of the ${what} ${version} was changed since it was promoted: its digest is ${short(is ?? '')}, ` +
        `and was ${short(was ?? '')}. Put back the object's old version (${uri}). ${again}`
      );
    }
  }
  const now = await heldOutNow(lake);
  return now.sha256 === held_out.sha256 && now.rows === held_out.rows
    ? null
    : `its ${held_out.rows} held-out rows (${short(held_out.sha256)}) are not the ${now.rows} that the labels in the lake ` +
        `give now (${short(now.sha256)}): another label set, or labels that came meanwhile. ${again}`;
}

/** What is unknown of models of older versions is no reason. */
const isAnother = (one: string | undefined, other: string | undefined): boolean =>
  one !== undefined && other !== undefined && one !== other;

const short = (sha256: string): string => sha256.slice(0, 12);

type Decision = Pick<EvaluateCandidateOutput, 'promote' | 'forced' | 'reasons'>;

function decide(
  evaluation: Evaluation,
  settings: FunctionSettings['evaluation'],
  compared: Compared,
  force: Force,
): Decision {
  const rules = rulesFor(evaluation, settings, compared);
  const short = shortOfLexicon(evaluation, settings);
  const reasons = [
    ...rules.map(({ sentence }) => sentence),
    ...(short === null ? [] : [short]),
    evaluatedModel(evaluation),
  ];
  if (rules.every(({ passed }) => passed)) {
    return { promote: true, forced: false, reasons };
  }
  return force === null
    ? { promote: false, forced: false, reasons }
    : {
        promote: true,
        forced: true,
        reasons: [
          ...reasons,
          `FORCED: promoted all the same, by the grant ${force.grant}: “${force.reason}”`,
        ],
      };
}

/** No rule, but said: whether the endpoint can be held to what was evaluated. */
const evaluatedModel = ({ candidate: { digest } }: Evaluation): string =>
  digest === undefined
    ? 'Digest of the model: unknown, it was trained by an older version; the endpoint is not compared with it'
    : `Digest of the model: ${digest}; the endpoint has to serve this one`;

type Force = StepInput['state']['plan']['force'];

const scoresOf = ({ macro_recall, accuracy, macro_f1, recall }: Scores): Scores => ({
  macro_recall,
  accuracy,
  macro_f1,
  recall,
});

const named = (model: MeasuredModel) => ({ ...scoresOf(model), version: model.version });

/** What the history keeps of the evaluation. */
function figuresOf(evaluation: Evaluation | null) {
  return evaluation === null
    ? {
        heldOutRows: null,
        candidate: null,
        champion: null,
        lexicon: null,
        minusChampion: null,
        minusLexicon: null,
      }
    : {
        heldOutRows: evaluation.held_out.rows,
        candidate: scoresOf(evaluation.candidate),
        champion: evaluation.champion && named(evaluation.champion),
        lexicon: { ...scoresOf(evaluation.lexicon), name: evaluation.lexicon.name },
        minusChampion: evaluation.candidate_minus_champion,
        minusLexicon: evaluation.candidate_minus_lexicon,
        ...(evaluation.candidate.digest !== undefined && { digest: evaluation.candidate.digest }),
      };
}

export const handler = onFirstCall(() => {
  const { BUCKET, LAKE, SERVING_IMAGE, SETTINGS } = readEnvironment('evaluate-candidate');
  return evaluateCandidate({
    lake: { s3: aws(S3Client), bucket: BUCKET },
    settings: SETTINGS.evaluation,
    clock: systemClock,
    registry: { sageMaker: aws(SageMakerClient), group: LAKE },
    servingImage: SERVING_IMAGE,
  });
});
