import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { z } from 'zod';
import type { Prediction } from '../../../functions/model/endpoint';
import { awsError } from './job-runs';

const CONFIG = { region: 'us-east-1', credentials: { accessKeyId: 'x', secretAccessKey: 'x' } };

/** SageMaker as told: what each command is answered, and every call it saw. The gateway's own has tests of its own. */
export class FakeSageMaker {
  readonly calls: { command: string; input: object }[] = [];
  readonly client = new SageMakerClient(CONFIG);
  job: object | null = null;
  endpoint: object | null = null;
  transform: object | null = null;
  /** By their names; any other is as `transform` says. */
  readonly failedTransforms = new Map<unknown, object>();
  existing: string[] = [];
  /** What a command that is refused as `existing` finds: an earlier try of it, whose answer was lost. */
  foundThen: object | null = null;
  /** Whose quota is used up. */
  full: ('spot' | 'on-demand')[] = [];

  constructor() {
    this.client.middlewareStack.add(
      (_, context) => async (args) => {
        const command = String(context.commandName).replace(/Command$/, '');
        this.calls.push({ command, input: args.input });
        return { output: { ...this.answer(command, args.input), $metadata: {} }, response: {} };
      },
      { step: 'initialize' },
    );
  }

  inputOf(command: string): object | undefined {
    return this.calls.find((call) => call.command === command)?.input;
  }

  commands(): string[] {
    return this.calls
      .map(({ command }) => command)
      .filter((command) => !command.startsWith('Describe'));
  }

  private answer(command: string, input: object): object {
    if (command === 'CreateTrainingJob') {
      const capacity = 'EnableManagedSpotTraining' in input ? 'spot' : 'on-demand';
      if (this.full.includes(capacity)) {
        throw awsError(
          'ResourceLimitExceeded',
          `The account-level service limit of ${capacity} is 0`,
        );
      }
    }
    if (this.existing.includes(command)) {
      this.endpoint = this.foundThen ?? this.endpoint;
      if (/^Create(Training|Transform)Job$/.test(command)) {
        throw awsError('ResourceInUse', 'Training job names must be unique, or it already exists');
      }
      throw awsError('ValidationException', 'Cannot create already existing model "arn:..."');
    }
    if (command === 'CreateTransformJob' && this.full.includes('on-demand')) {
      throw awsError('ResourceLimitExceeded', 'The account-level service limit is 0');
    }
    if (command === 'DescribeTransformJob') {
      const name = 'TransformJobName' in input ? input.TransformJobName : undefined;
      return (
        this.failedTransforms.get(name) ??
        this.transform ??
        fail('Could not find requested job with name: it')
      );
    }
    if (command === 'DescribeTrainingJob') {
      return this.job ?? fail('Requested resource not found.');
    }
    if (command === 'DescribeEndpoint') {
      return this.endpoint ?? fail('Could not find endpoint "arn:aws:sagemaker:…".');
    }
    return {};
  }
}

function fail(message: string): never {
  throw awsError('ValidationException', message);
}

const Request = z.object({ texts: z.array(z.string()) });

/** A serving program as told: one answer a text, as a model version. */
export class FakeEndpoint {
  readonly requests: string[][] = [];
  readonly client = new SageMakerRuntimeClient(CONFIG);
  modelVersion = 'sl-20261124-aaaaaaaaaaaa';
  modelDigest: string | undefined;
  failures: Error[] = [];
  label: (text: string) => Prediction['label'] = () => 'positive';

  constructor() {
    this.client.middlewareStack.add(
      () => async (args) => {
        const failure = this.failures.shift();
        if (failure) {
          throw failure;
        }
        const body = 'Body' in args.input ? String(args.input.Body) : '';
        const { texts } = Request.parse(JSON.parse(body));
        this.requests.push(texts);
        const answer = {
          model_version: this.modelVersion,
          model_digest: this.modelDigest,
          predictions: texts.map((text) => this.predictionOf(text)),
        };
        return {
          output: { Body: Buffer.from(JSON.stringify(answer)), $metadata: {} },
          response: {},
        };
      },
      { step: 'initialize' },
    );
  }

  private predictionOf(text: string): Prediction {
    const label = this.label(text);
    const probabilities = { negative: 0.1, neutral: 0.1, positive: 0.1, [label]: 0.8 };
    return { label, probabilities, unknown_words: 3 };
  }
}
