import { S3Client } from '@aws-sdk/client-s3';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { StepError } from '../workflows/errors';
import { SmokeTestEndpointOutput, StepInput } from '../workflows/payloads';
import { aws } from './shared/aws';
import { systemClock } from './shared/clock';
import { readEnvironment } from './settings/environment';
import { goldenTweets, isMisread } from './model/golden-tweets';
import type { LakeBucket } from './lake/objects';
import { readChampion } from './model/champion';
import { modelToServe } from './model/served';
import {
  describeEndpoint,
  isOnItsWay,
  pointEndpoint,
  predict,
  scoringClient,
} from './model/endpoint';
import type { Answer, Endpoint } from './model/endpoint';
import { onFirstCall, step } from './shared/step';

/** Reserved for putting the champion back: three requests of up to 15 s each. */
const RESERVED_FOR_THE_CHAMPION_MS = 60_000;

interface Dependencies {
  lake: LakeBucket;
  sageMaker: SageMakerClient;
  endpoint: Endpoint;
}

/**
 * Checks which model the endpoint serves and its predictions for tweets with an obvious sentiment. If the candidate
 * fails, or is not the model that was evaluated, the champion's configuration is put back before the execution ends.
 */
export const smokeTestEndpoint = (deps: Dependencies) =>
  step(StepInput, SmokeTestEndpointOutput, async ({ state }): Promise<SmokeTestEndpointOutput> => {
    const { train, evaluation } = state;
    const model = modelToServe(state);
    if (model === null) {
      throw new StepError(
        'SmokeTestFailed',
        `There is no new model to test: training is ${train.status}`,
      );
    }
    try {
      const answer = await predict(
        deps.endpoint,
        goldenTweets.map(({ text }) => text),
        { reserveMs: RESERVED_FOR_THE_CHAMPION_MS },
      );
      mustBeEvaluated(answer, 'promote' in evaluation ? evaluation.digest : undefined);
      return judge(answer, model.version);
    } catch (error) {
      if (!(error instanceof StepError)) {
        throw error;
      }
      const aftermath = await putChampionBack(deps, model.version);
      const name = error.name === 'ArchiveMismatch' ? error.name : 'SmokeTestFailed';
      throw new StepError(name, `${error.message}. ${aftermath}`, { cause: error });
    }
  });

/** Throws `ArchiveMismatch` if the endpoint's model is not the evaluated one; older evaluations name none. */
function mustBeEvaluated({ model_version, model_digest }: Answer, expected?: string): void {
  if (expected === undefined || model_digest === expected) {
    return;
  }
  throw new StepError(
    'ArchiveMismatch',
    `The endpoint serves ${model_version} with the digest ${model_digest ?? 'of an older program, which gives none'}, ` +
      `and the evaluation is about ${expected}: the archive was changed after it was evaluated`,
  );
}

function judge(
  { model_version, predictions }: Answer,
  expectedVersion: string,
): SmokeTestEndpointOutput {
  if (model_version !== expectedVersion) {
    throw new StepError(
      'SmokeTestFailed',
      `The endpoint answers as ${model_version}, not as ${expectedVersion}`,
    );
  }
  const answers = goldenTweets.flatMap(({ text, expected }, index) => {
    const prediction = predictions[index];
    return prediction
      ? [
          {
            text,
            expected,
            label: prediction.label,
            probability: prediction.probabilities[prediction.label],
          },
        ]
      : [];
  });
  const wrong = answers.filter(isMisread);
  if (wrong.length > 0) {
    const list = wrong.map(
      ({ text, expected, label }) => `"${text}" is ${expected}, the model says ${label}`,
    );
    throw new StepError(
      'SmokeTestFailed',
      `${wrong.length} plain tweets are misread by ${model_version}: ${list.join('; ')}`,
    );
  }
  return { modelVersion: model_version, answers };
}

/** Puts the champion back; returns what happened to the endpoint and what to do next. */
async function putChampionBack(
  { lake, sageMaker, endpoint }: Dependencies,
  candidate: string,
): Promise<string> {
  const next = 'A redrive would test the same model: start a new execution with {"mode":"retrain"}';
  const champion = (await readChampion(lake))?.value;
  if (!champion || champion.modelVersion === candidate) {
    return `No earlier model could be put back; nothing was promoted. ${next}`;
  }
  const found = await describeEndpoint(sageMaker, endpoint.name);
  if (isOnItsWay(found, champion.configName)) {
    return `The endpoint was put back to ${champion.modelVersion}. ${next}`;
  }
  if (found?.EndpointStatus !== 'InService') {
    return (
      `The endpoint is ${found?.EndpointStatus ?? 'gone'} and could not be put back to ${champion.modelVersion}: ` +
      `the next run's "Refresh analytics" does that. ${next}`
    );
  }
  await pointEndpoint(sageMaker, {
    name: endpoint.name,
    configName: champion.configName,
    exists: true,
  });
  return `The endpoint was put back to ${champion.modelVersion}. ${next}`;
}

export const handler = onFirstCall(() => {
  const { BUCKET, ENDPOINT_NAME } = readEnvironment('smoke-test-endpoint');
  return smokeTestEndpoint({
    lake: { s3: aws(S3Client), bucket: BUCKET },
    sageMaker: aws(SageMakerClient),
    endpoint: { runtime: scoringClient(), name: ENDPOINT_NAME, clock: systemClock },
  });
});
