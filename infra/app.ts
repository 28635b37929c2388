import { App, CliCredentialsStackSynthesizer, Tags } from 'aws-cdk-lib';
import { z } from 'zod';
import { EnvironmentName, settingsFor } from './config';
import { stackName } from './naming';
import { BudgetStack } from './stacks/budget-stack';
import { DataStack } from './stacks/data-stack';
import { PipelineStack } from './stacks/pipeline-stack';

/** What is read of `-c name=value`. */
const Context = z.object({
  env: EnvironmentName.default('dev'),
  // Which addresses are allowed is said where the settings are read.
  xApiBaseUrl: z.url().optional(),
  torchIndexUrl: z.url().optional(),
  /** Whether the roles of `cdk bootstrap` deploy, or the person's own credentials. */
  deployAs: z.enum(['bootstrap-roles', 'caller']).optional(),
});

/** The app for the environment that the context names; without an account or region, which the CLI adds. */
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
    // The embedded cloud has one caller, the account; the roles of `cdk bootstrap` could not publish assets there.
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
