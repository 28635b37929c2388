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
import { InvokeEndpointCommand } from '@aws-sdk/client-sagemaker-runtime';
import type { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { z } from 'zod';
import { StepError } from '../../workflows/errors';
import { Label } from '../../workflows/evaluation';
import type { Clock } from '../clock';
import { explain } from '../explain';

const Probability = z.number().min(0).max(1);

const Prediction = z.object({
  label: Label,
  probabilities: z.object({ negative: Probability, neutral: Probability, positive: Probability }),
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

// 5 tries: 2+4+8+16 s. A serverless endpoint without a warm container, or one just updated, may refuse at first.
const MAX_TRIES = 5;
const FIRST_PAUSE_MS = 2000;
const TRANSIENT = [
  'ModelNotReadyException',
  'ServiceUnavailable',
  'InternalFailure',
  'ThrottlingException',
  'ModelError',
];

/** The endpoint's verdict on at most `MAX_TEXTS_A_CALL` texts, in order. Throws `ScoringFailed`. */
export async function predict(
  { runtime, name, clock }: Endpoint,
  texts: readonly string[],
): Promise<Answer> {
  for (let attempt = 1; ; attempt += 1) {
    try {
      const { Body } = await runtime.send(
        new InvokeEndpointCommand({
          EndpointName: name,
          ContentType: 'application/json',
          Accept: 'application/json',
          Body: JSON.stringify({ texts }),
        }),
      );
      return readAnswer(Buffer.from(Body).toString('utf8'), name, texts.length);
    } catch (error) {
      if (error instanceof StepError || attempt === MAX_TRIES || !isTransient(error)) {
        throw error instanceof StepError ? error : failed(name, error);
      }
      await clock.sleep(FIRST_PAUSE_MS * 2 ** (attempt - 1));
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
      `The endpoint ${name} gave ${parsed.data.predictions.length} verdicts on ${texts} texts`,
    );
  }
  return parsed.data;
}

const isTransient = (error: unknown): boolean =>
  error instanceof Error && TRANSIENT.includes(error.name);

const failed = (name: string, error: unknown): StepError =>
  new StepError(
    'ScoringFailed',
    `The endpoint ${name} did not answer: ${error instanceof Error ? error.message : error}`,
    {
      cause: error,
    },
  );

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

/** Creates the endpoint, or has it change over to a configuration. */
export async function pointEndpoint(
  sageMaker: SageMakerClient,
  { name, configName, exists, updatePlan, tags }: Change,
): Promise<void> {
  const target = { EndpointName: name, EndpointConfigName: configName };
  await (exists
    ? sageMaker.send(
        new UpdateEndpointCommand({
          ...target,
          ...(updatePlan && { DeploymentConfig: updatePlan }),
        }),
      )
    : sageMaker.send(new CreateEndpointCommand({ ...target, Tags: tags })));
}
