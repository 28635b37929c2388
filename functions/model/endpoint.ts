import {
  CreateEndpointCommand,
  DescribeEndpointCommand,
  UpdateEndpointCommand,
} from '@aws-sdk/client-sagemaker';
import type {
  DeploymentConfig,
  DescribeEndpointOutput,
  SageMakerClient,
  Tag,
} from '@aws-sdk/client-sagemaker';
import { InvokeEndpointCommand, SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { z } from 'zod';
import { StepError } from '../../workflows/errors';
import { Label } from '../../workflows/evaluation';
import { aws, isPassing } from '../shared/aws';
import type { Clock } from '../shared/clock';
import { currentDeadline } from '../shared/deadline';
import { explain } from '../shared/explain';

const Probability = z.number().min(0).max(1);

export const Prediction = z.object({
  label: Label,
  probabilities: z.object({ negative: Probability, neutral: Probability, positive: Probability }),
  /** Tokens that the model's vocabulary does not have. Serving programs of older versions give none. */
  unknown_words: z.number().int().nonnegative().optional(),
});
export type Prediction = z.infer<typeof Prediction>;

const Answer = z.object({
  model_version: z.string(),
  /** Serving programs of older versions give none. */
  model_digest: z.string().optional(),
  predictions: z.array(Prediction),
});
export type Answer = z.infer<typeof Answer>;

export interface Endpoint {
  runtime: SageMakerRuntimeClient;
  name: string;
  clock: Clock;
}

/** Keeps a request far below SageMaker's 6 MB and an answer within its minute. */
export const MAX_TEXTS_A_CALL = 200;

// SageMaker gives a model a minute for its answer.
const ANSWER_TIMEOUT_MS = 65_000;

export const scoringClient = (): SageMakerRuntimeClient =>
  aws(SageMakerRuntimeClient, { requestTimeoutMs: ANSWER_TIMEOUT_MS });

// 5 tries, at most 2+4+8+16 s apart. A serverless endpoint without a warm container, or one just updated, may
// refuse at first. Five answers that take their minute are longer than any caller has: the call's deadline ends it.
const MAX_TRIES = 5;
const FIRST_PAUSE_MS = 2000;
/** A try that has less time than this is not made. */
const SHORTEST_TRY_MS = 5000;
/** Passing errors of a model and its container by their names alone: the SDK counts by status, and a 424 is none of its own. */
const OF_THE_MODEL = [
  'ModelNotReadyException',
  'ModelError',
  'ServiceUnavailable',
  'InternalFailure',
  'InternalDependencyException',
];

/**
 * The endpoint's predictions for at most `MAX_TEXTS_A_CALL` texts, in order. Throws `ScoringFailed`, and that so much
 * (`reserveMs`) before the deadline of the Lambda's call that its caller can still do something about it.
 */
export async function predict(
  { runtime, name, clock }: Endpoint,
  texts: readonly string[],
  { reserveMs = 1000 } = {},
): Promise<Answer> {
  const deadline = currentDeadline();
  const left = () => (deadline?.remainingMs() ?? Infinity) - reserveMs;
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { Body } = await runtime.send(
        new InvokeEndpointCommand({
          EndpointName: name,
          ContentType: 'application/json',
          Accept: 'application/json',
          Body: JSON.stringify({ texts }),
        }),
        deadline && { abortSignal: AbortSignal.timeout(Math.max(0, Math.floor(left()))) },
      );
      return readAnswer(Buffer.from(Body).toString('utf8'), name, texts.length);
    } catch (error) {
      if (error instanceof StepError) throw error;
      const pause = Math.random() * FIRST_PAUSE_MS * 2 ** (attempt - 1);
      const isLast = attempt === MAX_TRIES || !isTransient(error);
      if (isLast || left() < pause + SHORTEST_TRY_MS) {
        throw failed(name, error, attempt);
      }
      await clock.sleep(pause);
    }
  }
}

function readAnswer(body: string, name: string, texts: number): Answer {
  let value: unknown;
  try {
    value = JSON.parse(body);
  } catch {
    throw new StepError(
      'ScoringFailed',
      `The endpoint ${name} answered with something that is not JSON`,
    );
  }
  const parsed = Answer.safeParse(value);
  if (!parsed.success) {
    throw new StepError(
      'ScoringFailed',
      `The endpoint ${name} broke its contract: ${explain(parsed.error, value)}`,
    );
  }
  if (parsed.data.predictions.length !== texts) {
    throw new StepError(
      'ScoringFailed',
      `The endpoint ${name} gave ${parsed.data.predictions.length} predictions for ${texts} texts`,
    );
  }
  return parsed.data;
}

const isTransient = (error: unknown): boolean =>
  isPassing(error) || (error instanceof Error && OF_THE_MODEL.includes(error.name));

function failed(name: string, error: unknown, tries: number): StepError {
  const isLate = error instanceof Error && error.name === 'AbortError';
  const why = isLate
    ? "the time of the Lambda's call was over"
    : error instanceof Error
      ? `${error.name}: ${error.message}`
      : String(error);
  const count = tries === 1 ? '1 try' : `${tries} tries`;
  return new StepError('ScoringFailed', `The endpoint ${name} did not answer in ${count}: ${why}`, {
    cause: error,
  });
}

/** The endpoint as SageMaker describes it; null only when there is none, any other error stays one. */
export async function describeEndpoint(
  sageMaker: SageMakerClient,
  name: string,
): Promise<DescribeEndpointOutput | null> {
  try {
    return await sageMaker.send(new DescribeEndpointCommand({ EndpointName: name }));
  } catch (error) {
    if (error instanceof Error && error.message.includes('Could not find endpoint')) {
      return null;
    }
    throw error;
  }
}

interface Change {
  name: string;
  configName: string;
  exists: boolean;
  /**
   * How instances are exchanged when the endpoint exists.
   *
   * @default - all at once and unwatched: for a model that has served before, and for serverless endpoints
   */
  updatePlan?: DeploymentConfig | undefined;
  /** Of an endpoint that is made. */
  tags?: Tag[];
}

/**
 * Creates the endpoint, or has it change over to a configuration. A refusal because it does so already is none:
 * the answer to an earlier try may have been lost.
 */
export async function pointEndpoint(sageMaker: SageMakerClient, change: Change): Promise<void> {
  const { name, configName, exists, updatePlan, tags } = change;
  const target = { EndpointName: name, EndpointConfigName: configName };
  try {
    await (exists
      ? sageMaker.send(
          new UpdateEndpointCommand({
            ...target,
            ...(updatePlan && { DeploymentConfig: updatePlan }),
          }),
        )
      : sageMaker.send(new CreateEndpointCommand({ ...target, Tags: tags })));
  } catch (error) {
    if (isPassing(error) || !isOnItsWay(await describeEndpoint(sageMaker, name), configName)) {
      throw error;
    }
  }
}

/** Whether the endpoint serves a configuration, or changes over to it. */
export const isOnItsWay = (found: DescribeEndpointOutput | null, configName: string): boolean =>
  (found?.EndpointConfigName === configName && found.EndpointStatus !== 'Failed') ||
  found?.PendingDeploymentSummary?.EndpointConfigName === configName;
