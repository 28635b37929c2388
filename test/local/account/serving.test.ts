import { SageMakerClient } from '@aws-sdk/client-sagemaker';
import { findServing, removeServing } from '../../../local/account/serving';

const role = (environment: string) =>
  `arn:aws:iam::123456789012:role/sentiment-lake-${environment}-MachineLearningRole`;

/** An account with two environments, and somebody else's things beside them. */
class Account {
  readonly deleted: string[] = [];
  readonly client = new SageMakerClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
  });
  private endpoints = ['sentiment-lake-dev', 'sentiment-lake-dev2', 'sentiment-lake-prod'];
  private readonly models = new Map([
    ['sl-dev', role('dev')],
    ['sl-prod', role('prod')],
    ['sl-theirs', 'arn:aws:iam::123456789012:role/somebody'],
    ['asl-dev', role('dev')],
  ]);
  private readonly configs = new Map([
    ['sl-dev', ['sl-dev']],
    ['sl-prod', ['sl-prod']],
    ['sl-both', ['sl-dev', 'sl-prod']],
  ]);

  constructor() {
    this.client.middlewareStack.add(
      (_, context) => async (args) => {
        const values = Object.values(args.input);
        const output = this.answer(String(context.commandName), String(values[0] ?? ''));
        return { output: { ...output, $metadata: {} }, response: {} };
      },
      { step: 'initialize' },
    );
  }

  private answer(command: string, name: string): object {
    switch (command) {
      case 'ListEndpointsCommand':
        return { Endpoints: this.endpoints.map((EndpointName) => ({ EndpointName })) };
      case 'ListModelsCommand':
        return { Models: [...this.models.keys()].map((ModelName) => ({ ModelName })) };
      case 'DescribeModelCommand':
        return { ExecutionRoleArn: this.models.get(name) };
      case 'ListEndpointConfigsCommand':
        return {
          EndpointConfigs: [...this.configs.keys()].map((EndpointConfigName) => ({
            EndpointConfigName,
          })),
        };
      case 'DescribeEndpointConfigCommand':
        return { ProductionVariants: this.configs.get(name)?.map((ModelName) => ({ ModelName })) };
      case 'ListTrainingJobsCommand':
        return {
          TrainingJobSummaries: [
            { TrainingJobName: 'sl-job-dev' },
            { TrainingJobName: 'sl-job-prod' },
          ],
        };
      case 'DescribeTrainingJobCommand':
        return { RoleArn: role(name.replace('sl-job-', '')) };
      default:
        this.deleted.push(`${command.replace('Command', '')} ${name}`);
        if (command === 'DeleteEndpointCommand')
          this.endpoints = this.endpoints.filter((one) => one !== name);
        return {};
    }
  }
}

test('finds what is of this environment, and nothing of another or of anybody else', async () => {
  const account = new Account();

  expect(await findServing(account.client, 'dev')).toEqual({
    endpoints: ['sentiment-lake-dev'],
    configs: ['sl-dev'],
    models: ['sl-dev'],
    jobs: ['sl-job-dev'],
  });
});

test('removes the endpoint, that costs, first and the models, that say whose the rest is, last', async () => {
  const account = new Account();

  await removeServing(
    account.client,
    'dev',
    await findServing(account.client, 'dev'),
    new AbortController().signal,
  );

  expect(account.deleted).toEqual([
    'StopTrainingJob sl-job-dev',
    'DeleteEndpoint sentiment-lake-dev',
    'DeleteEndpointConfig sl-dev',
    'DeleteModel sl-dev',
  ]);
});
