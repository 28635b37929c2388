import { join } from 'node:path';
import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import * as logs from 'aws-cdk-lib/aws-logs';
import { Construct } from 'constructs';
import { functionEnvironments, settingsOfFunctions } from '../../../functions/settings/environment';
import type { Variable } from '../../../functions/settings/environment';
import { perFunction } from '../../../workflows/steps';
import type { FunctionName } from '../../../workflows/steps';
import type { EnvironmentName, Settings } from '../../config';
import { lakeName } from '../../naming';
import type { StarterRoleName, WorkerRoleName } from '../../naming';
import type { DataResources } from '../../data-resources';
import { allow } from '../security/grants';

/** Who each function is: docs/architecture.md says why. */
export const functionRoles = perFunction(({ role }): WorkerRoleName | StarterRoleName => role);

const limitsOf = perFunction(({ timeoutSeconds, memoryMb }) => ({ timeoutSeconds, memoryMb }));

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

  /** Makes a function, with exactly the variables that its row of `workflows/steps.ts` names. */
  create(name: FunctionName, values: Readonly<Record<Variable, string>>): lambda.Function {
    const { environment, lake, bundles } = this.props;
    const functionName = lakeName(environment, name);
    const logGroup = this.logGroup(functionName, lake.key);
    const role = functionRoles[name];
    const { timeoutSeconds, memoryMb } = limitsOf[name];
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
    values: Readonly<Record<Variable, string>>,
  ): Record<string, string> {
    return Object.fromEntries(
      functionEnvironments[name].map((variable) => [
        variable,
        variable === 'SETTINGS' ? this.sections(name) : values[variable],
      ]),
    );
  }

  private sections(name: FunctionName): string {
    const { settings } = this.props;
    return JSON.stringify(
      Object.fromEntries(settingsOfFunctions[name].map((section) => [section, settings[section]])),
    );
  }
}
