import { mkdtempSync } from 'node:fs';
import { join } from 'node:path';
import { tmpdir } from 'node:os';
import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { AwsError } from '../../../embedded/gateway/protocol';
import { ModelPackages } from '../../../embedded/gateway/sagemaker/packages';
import { StateFile } from '../../../embedded/gateway/state';
import { awsError } from './job-runs';

const CONFIG = { region: 'us-east-1', credentials: { accessKeyId: 'x', secretAccessKey: 'x' } };
const CALLER = { accessKeyId: 'x', arn: 'arn:aws:iam::000000000000:root' };
const told = () => undefined;

/** The gateway's own registry, without its door, and every call that it saw. */
export class TestRegistry {
  readonly calls: { command: string; input: object }[] = [];
  readonly client = new SageMakerClient(CONFIG);

  constructor() {
    const home = mkdtempSync(join(tmpdir(), 'lake-registry-'));
    const packages = new ModelPackages(
      {
        iam: { authorize: async () => undefined },
        state: (name, schema, empty) => new StateFile(join(home, name), schema, empty, told),
      },
      { add: async () => undefined, forget: told },
    );
    this.client.middlewareStack.add(
      (_, context) => async (args) => {
        const command = String(context.commandName).replace(/Command$/, '');
        this.calls.push({ command, input: args.input });
        const act = packages.operations[command];
        try {
          const output = act === undefined ? {} : await act(args.input, CALLER);
          return { output: { ...output, $metadata: {} }, response: {} };
        } catch (error) {
          throw error instanceof AwsError ? awsError(error.code, error.message) : error;
        }
      },
      { step: 'initialize' },
    );
  }

  named(command: string): object[] {
    return this.calls.filter((call) => call.command === command).map(({ input }) => input);
  }
}

/** What the steps that decide on models need of a registry. */
export const testRegistry = (registry = new TestRegistry()) => ({
  registry: { sageMaker: registry.client, group: 'sentiment-lake-test' },
  servingImage: '000000000000.dkr.ecr.us-east-1.amazonaws.com/serving:1',
});
