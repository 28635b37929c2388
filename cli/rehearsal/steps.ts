import {
  DescribeStackEventsCommand,
  DescribeStackResourcesCommand,
  UpdateTerminationProtectionCommand,
} from '@aws-sdk/client-cloudformation';
import { DescribeEndpointCommand } from '@aws-sdk/client-sagemaker';
import { PutSecretValueCommand } from '@aws-sdk/client-secrets-manager';
import { setTimeout as sleep } from 'node:timers/promises';
import { KEEP_MS } from '../../functions/x/token';
import { settingsFor } from '../../infra/config';
import { endpointNames, stackName } from '../../infra/naming';
import type { AccountEnvironment } from '../account/session';
import { account, region } from '../../session/workspace';
import { findOutputs, findStack, type Outputs } from '../../session/stack';
import { deployedState } from './deployed-state';
import { bucketsLeft, endpointsLeft, registryLeft, stacksLeft } from './left';
import { describeCommand, type Rehearsal } from './rehearsal';
import { impossibleSchedule, otherEndpoint, rehearsed, type Changes } from './settings';
import type { Step } from './step';
import { holds, StepFailed } from './step-failed';

/** Posts of the first run: enough for every class, and Spark needs only half a minute. */
const tweets = 200;
const readLog = 'Read the lines above: the command says what is missing.';

/** The first hour of one environment, from an empty account to one where nothing of it is left. */
export class FirstHour {
  private readonly inEnvironment: readonly string[];

  constructor(private readonly environment: AccountEnvironment) {
    this.inEnvironment = ['--env', environment];
  }

  private wrongTokenSince = 0;

  /** The steps in order; each continues from the one before. */
  get steps(): Step[] {
    return [
      ...this.deployment,
      ...this.runs,
      ...this.updates,
      ...this.redrive,
      ...this.destruction,
    ];
  }

  /** Two environments in one account and region: both run, and one keeps working when the other is destroyed. */
  static sideBySide(one: FirstHour, other: FirstHour): Step[] {
    return [
      ...one.named(one.deployment),
      ...other.named(other.deployment),
      ...one.named(one.runs),
      ...other.named(other.runs),
      ...other.unchangedBy(one.named(one.destruction)),
      ...other.named(other.questions),
      ...other.named(other.destruction),
    ];
  }

  private named(steps: readonly Step[]): Step[] {
    return steps.map((step) => ({ ...step, title: `${this.environment}: ${step.title}` }));
  }

  private unchangedBy(steps: readonly Step[]): Step[] {
    const { environment } = this;
    let before: Record<string, string> = {};
    return [
      {
        title: `the state of ${environment} is recorded before the other environment is destroyed`,
        act: async (rehearsal) => {
          before = await deployedState(rehearsal, this.environment, await this.outputs(rehearsal));
          return `${Object.keys(before).length} functions, machines and templates; ${await this.inService(rehearsal)} in service`;
        },
      },
      ...steps,
      {
        title: `${environment} is unchanged afterwards`,
        act: async (rehearsal) => {
          const after = await deployedState(
            rehearsal,
            this.environment,
            await this.outputs(rehearsal),
          );
          mustBeAsBefore(before, after, environment);
          return `all as before; ${await this.inService(rehearsal)} in service`;
        },
      },
    ];
  }

  private context(rehearsal: Rehearsal, changes: Changes): string[] {
    const settings = JSON.stringify({ ...rehearsed(this.environment), ...changes });
    return ['-c', `xApiBaseUrl=${rehearsal.x.url}`, '-c', `settings=${settings}`];
  }

  private deploy(rehearsal: Rehearsal, changes: Changes = {}): string[] {
    return ['deploy', ...this.inEnvironment, '--yes', ...this.context(rehearsal, changes)];
  }

  private lake(...args: string[]): string[] {
    return ['lake', ...args, ...this.inEnvironment];
  }

  private async outputs({ clients }: Rehearsal): Promise<Outputs> {
    const outputs = await findOutputs(clients.cloudFormation, this.environment);
    if (outputs) return outputs;
    throw new StepFailed(
      `the pipeline of ${this.environment} is missing or incomplete`,
      `stack ${stackName(this.environment, 'Pipeline')}`,
      'Look at the stack events in deploy.log.',
    );
  }

  private async storeToken(rehearsal: Rehearsal, SecretString: string): Promise<string> {
    const { TokenSecretArn: SecretId } = await this.outputs(rehearsal);
    await rehearsal.clients.secrets.send(new PutSecretValueCommand({ SecretId, SecretString }));
    return SecretId;
  }

  private get deployment(): Step[] {
    const { environment } = this;
    return [
      {
        title: 'without a deployment, a command says what to do',
        act: async (rehearsal) => {
          const says = [`npm run deploy -- --env ${environment}`];
          await rehearsal.must(this.lake('history'), { code: 1, says, todo: readLog });
          return 'refused, with a hint to npm run deploy';
        },
      },
      {
        title: 'no deployment before cdk bootstrap',
        act: async (rehearsal) => {
          if (await findStack(rehearsal.clients.cloudFormation, 'CDKToolkit'))
            return 'the account is bootstrapped already';
          const says = [`npx cdk bootstrap aws://${account}/${region}`];
          await rehearsal.must(this.deploy(rehearsal), { code: 1, says, todo: readLog });
          const begun = await stacksLeft(rehearsal);
          holds(
            begun.length === 0,
            `there is a stack: ${begun.join(', ')}`,
            'CloudFormation',
            readLog,
          );
          return 'refused, and no stack was created';
        },
      },
      {
        title: 'cdk bootstrap',
        act: async (rehearsal) => {
          if (await findStack(rehearsal.clients.cloudFormation, 'CDKToolkit'))
            return 'once for all environments of an account and region';
          const { code, output } = await rehearsal.cdk('bootstrap', `aws://${account}/${region}`);
          if (code === 0) return 'stack CDKToolkit';
          throw new StepFailed(
            `it ended with code ${code}`,
            'npx cdk bootstrap',
            readLog,
            output.trimEnd().split('\n').slice(-20),
          );
        },
      },
      {
        title: 'deploy, with the roles of cdk bootstrap',
        act: async (rehearsal) => {
          await rehearsal.must(this.deploy(rehearsal), {
            says: ['StateMachineArn'],
            todo: readLog,
          });
          await this.outputs(rehearsal);
          return this.made(rehearsal);
        },
      },
    ];
  }

  /** The number of resources and types that CloudFormation created: its own calls are not recorded. */
  private async made(rehearsal: Rehearsal): Promise<string> {
    const stacks = (await stacksLeft(rehearsal)).filter((name) => isOf(this.environment, name));
    const types = new Map<string, number>();
    for (const StackName of stacks) {
      const { StackResources = [] } = await rehearsal.clients.cloudFormation.send(
        new DescribeStackResourcesCommand({ StackName }),
      );
      for (const { ResourceType = '' } of StackResources)
        types.set(ResourceType, (types.get(ResourceType) ?? 0) + 1);
    }
    const resources = [...types.values()].reduce((sum, count) => sum + count, 0);
    return `${resources} resources of ${types.size} types in ${stacks.length} stacks`;
  }

  private get runs(): Step[] {
    return [
      {
        title: "X's token is stored",
        act: async (rehearsal) =>
          `put-secret-value ${await this.storeToken(rehearsal, rehearsal.x.token)}`,
      },
      {
        title: 'labels',
        act: async (rehearsal) => {
          await rehearsal.must(this.lake('import-labels', '--bundled'), {
            says: ['4,139 labels imported'],
            todo: readLog,
          });
          return '4,139 human labels, as LabellerRole';
        },
      },
      {
        title: 'run: a first model is trained and promoted',
        act: async (rehearsal) => {
          await rehearsal.must(
            this.lake(
              'run',
              '--max-tweets',
              String(tweets),
              '--input',
              '{"training":{"epochs":3}}',
            ),
            { says: ['SUCCEEDED'], todo: readLog },
          );
          return `${tweets} tweets; ${await this.inService(rehearsal)} in service`;
        },
      },
      ...this.questions,
    ];
  }

  private get questions(): Step[] {
    return [
      {
        title: 'queries and predictions work',
        act: async (rehearsal) => {
          await rehearsal.must(this.lake('query', 'rows_per_day'), { todo: readLog });
          await rehearsal.must(this.lake('sql', 'select count(*) as n from tweets'), {
            says: ['(1 row)'],
            todo: readLog,
          });
          await rehearsal.must(this.lake('predict', 'I love this so much!'), {
            says: ['positive'],
            todo: readLog,
          });
          return 'a saved query, an SQL statement and a prediction';
        },
      },
    ];
  }

  /** The environment's endpoints in service. Throws StepFailed when there is none. */
  private async inService({ clients }: Rehearsal): Promise<string> {
    const found: string[] = [];
    for (const EndpointName of endpointNames(this.environment)) {
      try {
        const { EndpointStatus } = await clients.sageMaker.send(
          new DescribeEndpointCommand({ EndpointName }),
        );
        if (EndpointStatus === 'InService') found.push(EndpointName);
      } catch (error) {
        if (!(error instanceof Error && /Could not find endpoint/.test(error.message))) throw error;
      }
    }
    holds(found.length > 0, 'no endpoint is in service', 'SageMaker', readLog);
    return found.join(' and ');
  }

  private get updates(): Step[] {
    const changed = otherEndpoint(this.environment);
    return [
      {
        title: 'update of settings: the other kind of endpoint',
        act: async (rehearsal) => {
          const before = await this.outputs(rehearsal);
          await rehearsal.must(this.deploy(rehearsal, changed), { todo: readLog });
          const { EndpointName } = await this.outputs(rehearsal);
          holds(
            EndpointName !== before.EndpointName,
            `the endpoint is still ${EndpointName}`,
            stackName(this.environment, 'Pipeline'),
            readLog,
          );
          return `${before.EndpointName} → ${EndpointName}, from the next promotion on`;
        },
      },
      {
        title: 'retrain and promote, with a grant of force',
        act: async (rehearsal) => {
          await rehearsal.must(this.lake('grant-force', 'the rehearsal shows a promotion'), {
            todo: readLog,
          });
          await rehearsal.must(
            this.lake('retrain', '--input', '{"force":true,"training":{"epochs":1}}'),
            { says: ['SUCCEEDED'], todo: readLog },
          );
          return `${await this.inService(rehearsal)} in service`;
        },
      },
      {
        title: 'verify',
        act: async (rehearsal) => {
          const output = await rehearsal.must(
            [
              'verify',
              ...this.inEnvironment,
              '--yes',
              ...['--input', '{"training":{"epochs":1}}'],
              ...this.context(rehearsal, changed),
            ],
            { todo: readLog },
          );
          const [, summary = ''] = /^(\d+ passed, .*? skipped)\./m.exec(output) ?? [];
          const skipped = [...output.matchAll(/^– (.+?):/gm)].map(([, name]) => name);
          return `${summary}; not checkable here: ${skipped.join(', ') || 'nothing'}`;
        },
      },
      {
        title: 'an update that fails in the middle is rolled back',
        act: async (rehearsal) => {
          // A Lambda that has just run caches the old token: this update gives its cache time to expire.
          await this.storeToken(rehearsal, 'A'.repeat(110));
          this.wrongTokenSince = Date.now();
          const before = await deployedState(
            rehearsal,
            this.environment,
            await this.outputs(rehearsal),
          );
          await rehearsal.must(this.deploy(rehearsal, { ...changed, ...impossibleSchedule }), {
            code: 1,
            says: ['ScheduleExpression'],
            todo: 'EventBridge must reject the rule: settings.ts, impossibleSchedule.',
          });
          const stack = await findStack(
            rehearsal.clients.cloudFormation,
            stackName(this.environment, 'Pipeline'),
          );
          holds(
            stack?.StackStatus === 'UPDATE_ROLLBACK_COMPLETE',
            `the stack is ${stack?.StackStatus}`,
            stackName(this.environment, 'Pipeline'),
            'CloudFormation must end in UPDATE_ROLLBACK_COMPLETE.',
          );
          const after = await deployedState(
            rehearsal,
            this.environment,
            await this.outputs(rehearsal),
          );
          mustBeAsBefore(before, after, stackName(this.environment, 'Pipeline'));
          return `UPDATE_ROLLBACK_COMPLETE; ${await this.sentBack(rehearsal)} had been updated and was rolled back`;
        },
      },
    ];
  }

  /** The state machine that the last update changed and rolled back, which proves that it failed in the middle. */
  private async sentBack({ clients }: Rehearsal): Promise<string> {
    const StackName = stackName(this.environment, 'Pipeline');
    const { StackEvents = [] } = await clients.cloudFormation.send(
      new DescribeStackEventsCommand({ StackName }),
    );
    // Newest first.
    const last = StackEvents.findIndex(
      ({ PhysicalResourceId, StackId, ResourceStatus }) =>
        PhysicalResourceId === StackId && ResourceStatus === 'UPDATE_IN_PROGRESS',
    );
    const machine = StackEvents.slice(0, last === -1 ? undefined : last).filter(
      ({ ResourceType, ResourceStatus }) =>
        ResourceType === 'AWS::StepFunctions::StateMachine' && ResourceStatus === 'UPDATE_COMPLETE',
    );
    holds(
      machine.length >= 2,
      'the state machine was not updated before the update failed',
      `stack events of ${StackName}`,
      'The update must fail in its middle: settings.ts, impossibleSchedule.',
    );
    return machine[0]?.LogicalResourceId ?? 'the state machine';
  }

  private get redrive(): Step[] {
    return [
      {
        title: 'after the rollback, a run that failed for an invalid token is redriven',
        act: async (rehearsal) => {
          await sleep(Math.max(0, this.wrongTokenSince + KEEP_MS - Date.now()));
          const run = this.lake('run', '--mode', 'ingest', '--max-tweets', '10');
          await rehearsal.must(run, { code: 1, says: ['XAuthenticationFailed'], todo: readLog });
          await this.storeToken(rehearsal, rehearsal.x.token);
          await rehearsal.must(this.lake('redrive'), { says: ['SUCCEEDED'], todo: readLog });
          await rehearsal.must(this.lake('history'), { says: ['SUCCEEDED'], todo: readLog });
          return 'XAuthenticationFailed, then SUCCEEDED';
        },
      },
    ];
  }

  private destroy(...args: string[]): string[] {
    return ['destroy', ...this.inEnvironment, '--yes', ...args];
  }

  private get destruction(): Step[] {
    const { environment } = this;
    const isProtected = settingsFor(environment).protectData;
    return [
      ...(isProtected ? [this.protection] : []),
      {
        title: "destroy --delete-data with a wrong bucket's name does nothing",
        act: async (rehearsal) => {
          await rehearsal.must(this.destroy('--delete-data', '--confirm', 'wrong'), {
            code: 1,
            says: ['Nothing was done'],
            todo: readLog,
          });
          await this.outputs(rehearsal);
          return 'refused';
        },
      },
      {
        title: 'destroy: no endpoint, no registered model and no stack is left, but the data are',
        act: async (rehearsal) => {
          const { BucketName } = await this.outputs(rehearsal);
          // Otherwise it would show nothing that the registry is gone afterwards.
          const registry = await registryLeft(rehearsal, environment);
          holds(registry.length > 0, 'no model is registered', 'SageMaker', readLog);
          await rehearsal.must(this.destroy(), {
            says: [`bucket ${BucketName}: storage`],
            todo: readLog,
          });
          await this.mustBeGone(rehearsal);
          const buckets = await bucketsLeft(rehearsal, environment);
          holds(buckets.includes(BucketName), `the bucket ${BucketName} is missing`, 'S3', readLog);
          return `kept, and listed with its price: ${buckets.join(', ')}`;
        },
      },
      {
        title: 'destroy --delete-data: the buckets are deleted, too',
        act: async (rehearsal) => {
          const [bucket = ''] = (await bucketsLeft(rehearsal, environment)).filter(
            (name) => !name.includes('accesslogs'),
          );
          await rehearsal.must(this.destroy('--delete-data', '--confirm', bucket), {
            todo: readLog,
          });
          const left = await bucketsLeft(rehearsal, environment);
          holds(left.length === 0, `left: ${left.join(', ')}`, 'S3', readLog);
          return `${bucket} deleted`;
        },
      },
    ];
  }

  private get protection(): Step {
    const { environment } = this;
    return {
      title: 'destroy is refused while the data are protected',
      act: async (rehearsal) => {
        await rehearsal.must(this.destroy(), {
          code: 1,
          says: ['update-termination-protection'],
          todo: readLog,
        });
        await rehearsal.clients.cloudFormation.send(
          new UpdateTerminationProtectionCommand({
            StackName: stackName(environment, 'Data'),
            EnableTerminationProtection: false,
          }),
        );
        return `refused, with the command that removes the protection (${describeCommand(this.destroy())})`;
      },
    };
  }

  private async mustBeGone(rehearsal: Rehearsal): Promise<void> {
    const { environment } = this;
    const left = [
      ...(await endpointsLeft(rehearsal)).filter((name) =>
        endpointNames(environment).includes(name),
      ),
      ...(await registryLeft(rehearsal, environment)),
      ...(await stacksLeft(rehearsal)).filter((name) => isOf(environment, name)),
    ];
    holds(left.length === 0, `still there: ${left.join(', ')}`, 'destroy', readLog);
  }
}

/** Whether a stack belongs to the environment. */
const isOf = (environment: AccountEnvironment, stack: string): boolean =>
  stack.startsWith(stackName(environment, 'Data').replace(/Data$/, ''));

function mustBeAsBefore(
  before: Readonly<Record<string, string>>,
  after: Readonly<Record<string, string>>,
  where: string,
): void {
  const differs = Object.keys(before).filter((name) => before[name] !== after[name]);
  holds(
    differs.length === 0,
    `changed: ${differs.join(', ')}`,
    where,
    'Compare the changed parts with the template of the previous deployment.',
  );
}
