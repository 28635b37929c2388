import { join } from 'node:path';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { functionEnvironments, settingsOfFunctions } from '../../../functions/settings/environment';
import type { FunctionName } from '../../../functions/settings/environment';
import { steps } from '../../../workflows/steps';
import type { EnvironmentName, Settings } from '../../config';
import { lakeName } from '../../naming';
import type { StarterRoleName, WorkerRoleName } from '../../naming';
import type { DataResources } from '../../data-resources';
import { allow } from '../security/grants';

/** Who each function is: docs/architecture.md says why. */
export const functionRoles: Record<FunctionName, WorkerRoleName | StarterRoleName> = {
  'plan-run': 'DataIngestionRole',
  'ingest-tweets': 'DataIngestionRole',
  'crawl-raw-data': 'CrawlStarterRole',
  'clean-tweets': 'DataProcessingRole',
  'check-data': 'RunReporterRole',
  'publish-data': 'DataProcessingRole',
  'train-model': 'ModelOperatorRole',
  'judge-model': 'ModelOperatorRole',
  'update-endpoint': 'EndpointUpdaterRole',
  'smoke-test-endpoint': 'ModelOperatorRole',
  'promote-model': 'ModelOperatorRole',
  'refresh-analytics': 'ModelOperatorRole',
  'report-run': 'RunReporterRole',
  'archive-execution': 'RunReporterRole',
  'score-stream': 'ModelOperatorRole',
};

/** What one call of the functions beside the state machine may take. */
const besideTheMachine = {
  // The longest history, 25,000 events, comes in 500 pages of up to 13 MB.
  'archive-execution': { timeoutSeconds: 300, memoryMb: 512 },
  // A batch waits for a serverless endpoint to wake up, a minute at worst.
  'score-stream': { timeoutSeconds: 120, memoryMb: 512 },
};

/** Newest of AWS; the bundles also run on Node 20. */
export const nodeRuntime = lambda.Runtime.NODEJS_24_X;

export interface PipelineFunctionsProps {
  readonly environment: EnvironmentName;
  readonly settings: Settings;
  readonly lake: DataResources;
  /** Roles of the functions that do not touch the lake. */
  readonly starters: Record<StarterRoleName, iam.IRole>;
  /** Folder that `bundleHandlers` filled. */
  readonly bundles: string;
}

/** The Lambdas: one per step, and the two beside the machine. */
export class PipelineFunctions extends Construct {
  private readonly made = new Map<
    WorkerRoleName | StarterRoleName,
    { fn: lambda.Function; logGroupArn: string }[]
  >();

  constructor(
    scope: Construct,
    id: string,
    private readonly props: PipelineFunctionsProps,
  ) {
    super(scope, id);
  }

  /**
   * Makes a function, with exactly the variables that it says it reads.
   * Throws when one of them is neither among `values` nor in the settings.
   */
  create(name: FunctionName, values: Readonly<Record<string, string>>): lambda.Function {
    const { environment, lake, bundles } = this.props;
    const functionName = lakeName(environment, name);
    const logGroup = this.logGroup(functionName, lake.key);
    const role = functionRoles[name];
    const { timeoutSeconds, memoryMb } = limitsOf(name);
    const fn = new lambda.Function(this, name, {
      functionName,
      runtime: nodeRuntime,
      architecture: lambda.Architecture.ARM_64,
      code: lambda.Code.fromAsset(join(bundles, name)),
      handler: 'index.handler',
      role: this.roles()[role],
      timeout: Duration.seconds(timeoutSeconds),
      memorySize: memoryMb,
      environment: this.variables(name, values),
      logGroup,
      tracing: lambda.Tracing.ACTIVE,
      // An execution that began before a deployment goes on with the versions it began with.
      currentVersionOptions: { removalPolicy: RemovalPolicy.RETAIN },
    });
    const { logGroupArn } = logGroup;
    this.made.set(role, [...(this.made.get(role) ?? []), { fn, logGroupArn }]);
    return fn;
  }

  /** Lets the roles write the logs of the functions made so far. No function is there, and called, before it may. */
  openLogs(): void {
    for (const [name, made] of this.made) {
      const policy = allow(this, `${name}WritesLogs`, this.roles()[name], [
        {
          actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
          resources: made.map(({ logGroupArn }) => logGroupArn),
        },
      ]);
      for (const { fn } of made) fn.node.addDependency(policy);
    }
  }

  private roles(): Record<WorkerRoleName | StarterRoleName, iam.IRole> {
    return { ...this.props.lake.roles, ...this.props.starters };
  }

  private logGroup(functionName: string, encryptionKey: kms.IKey): logs.LogGroup {
    return new logs.LogGroup(this, `${functionName}-log`, {
      logGroupName: `/aws/lambda/${functionName}`,
      retention: this.props.settings.logRetentionDays,
      encryptionKey,
      removalPolicy: RemovalPolicy.DESTROY,
    });
  }

  private variables(
    name: FunctionName,
    values: Readonly<Record<string, string>>,
  ): Record<string, string> {
    return Object.fromEntries(
      functionEnvironments[name].map((variable) => {
        const value = variable === 'SETTINGS' ? this.sections(name) : values[variable];
        if (value === undefined)
          throw new Error(
            `functions/settings/environment.ts: ${name} reads ${variable}, which infra/ does not know`,
          );
        return [variable, value];
      }),
    );
  }

  private sections(name: FunctionName): string {
    const { settings } = this.props;
    return JSON.stringify(
      Object.fromEntries(settingsOfFunctions[name].map((section) => [section, settings[section]])),
    );
  }
}

function limitsOf(name: FunctionName): { timeoutSeconds: number; memoryMb: number } {
  const limits =
    name === 'archive-execution' || name === 'score-stream'
      ? besideTheMachine[name]
      : steps.find((step) => step.name === name);
  if (!limits) throw new Error(`workflows/steps.ts has no step ${name}`);
  return limits;
}
