import { App, CliCredentialsStackSynthesizer, Tags } from 'aws-cdk-lib';
import { z } from 'zod';
import { EnvironmentName, settingsFor } from './config';
import { stackName } from './naming';
import { BudgetStack } from './stacks/budget-stack';
import { DataStack } from './stacks/data-stack';
import { PipelineStack } from './stacks/pipeline-stack';

/** The values of `-c name=value` that the app reads. */
const Context = z.object({
  env: EnvironmentName.default('dev'),
  // functions/settings checks which addresses are allowed.
  xApiBaseUrl: z.url().optional(),
  torchIndexUrl: z.url().optional(),
  bucketName: z.string().optional(),
  settings: z.string().optional(),
  /** Who deploys: the roles of `cdk bootstrap`, or the person's own credentials. */
  deployAs: z.enum(['bootstrap-roles', 'caller']).optional(),
});

/** Builds the app for the environment in the context. The CLI adds account and region. */
export function sentimentLake(app: App): {
  data: DataStack;
  pipeline: PipelineStack;
  budget: BudgetStack | null;
} {
  const names = Object.keys(Context.shape);
  const {
    env: environment,
    deployAs,
    ...overrides
  } = Context.parse(Object.fromEntries(names.map((name) => [name, app.node.tryGetContext(name)])));
  const settings = settingsFor(environment, overrides);
  const asCaller = deployAs === 'caller' || (deployAs === undefined && environment === 'local');
  const props = () => ({
    environment,
    settings,
    // Root deploys a local lake directly; in an account the roles of `cdk bootstrap` deploy.
    synthesizer: asCaller ? new CliCredentialsStackSynthesizer() : undefined,
  });
  const data = new DataStack(app, stackName(environment, 'Data'), {
    ...props(),
    description: 'sentiment-lake: data, key, catalog and roles',
  });
  const pipeline = new PipelineStack(app, stackName(environment, 'Pipeline'), {
    ...props(),
    description: 'sentiment-lake: the nightly pipeline',
    lake: data.lake,
  });
  const { monthlyBudgetUsd: usd, alarmEmail: email } = settings;
  const budget =
    usd === null
      ? null
      : new BudgetStack(app, stackName(environment, 'Budget'), {
          ...props(),
          description: 'sentiment-lake: the monthly budget',
          usd,
          topic: pipeline.topic,
          email,
        });
  Tags.of(app).add('application', `sentiment-lake-${environment}`);
  return { data, pipeline, budget };
}

if (require.main === module) {
  const app = new App();
  sentimentLake(app);
  app.synth();
}
