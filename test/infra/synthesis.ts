import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { z } from 'zod';
import cdkJson from '../../cdk.json';
import { sentimentLake } from '../../infra/app';
import { EnvironmentName, settingsFor } from '../../infra/config';
import type { Settings } from '../../infra/config';
import { stackKinds, stackName } from '../../infra/naming';
import type { BudgetStack } from '../../infra/stacks/budget-stack';
import { DataStack } from '../../infra/stacks/data-stack';
import type { PipelineStack } from '../../infra/stacks/pipeline-stack';
import { runFolder } from '../support/run-folder';

/**
 * CDK's validation of templates, stack traces and construct tree take most of a synthesis. test/infra/standards.test.ts
 * validates all templates. The context `validateAgainstDefaultRules` would only turn its errors into warnings.
 */
export const TEMPLATES_ALONE = {
  builtinCloudFormationValidation: false,
  stackTraces: false,
  treeMetadata: false,
};

/** The app's settings, with `context` over that of cdk.json. */
const withContext = (context: Record<string, string>) => ({
  context: { ...cdkJson.context, ...context },
});

export interface Assembly {
  readonly data: Template;
  readonly pipeline: Template;
  /** null where the settings name no budget. */
  readonly budget: Template | null;
  /** The templates' files, in the order of their deployment. */
  readonly files: readonly string[];
}

/**
 * The app's templates and their files, as `cdk synth` leaves them with `-c name=value` for each of `context`.
 * Synthesized once a test run (test/support/run-folder.ts): bundling the functions takes many seconds.
 */
export function synthesize(context: Record<string, string> = {}): Assembly {
  const name = createHash('sha256').update(JSON.stringify(context)).digest('hex').slice(0, 16);
  const folder = join(runFolder(), 'synthesized', name);
  if (!existsSync(folder)) {
    const outdir = `${folder}.${process.pid}`;
    mkdirSync(dirname(folder), { recursive: true });
    const app = new App({ ...withContext(context), ...TEMPLATES_ALONE, outdir });
    sentimentLake(app);
    app.synth();
    try {
      renameSync(outdir, folder);
    } catch (error) {
      // Another worker was first, with the same templates.
      if (!existsSync(folder)) throw error;
    }
  }
  const environment = EnvironmentName.parse(context.env ?? 'dev');
  const files = stackKinds.map((kind) =>
    join(folder, `${stackName(environment, kind)}.template.json`),
  );
  const [data = '', pipeline = '', budget = ''] = files;
  return {
    data: templateIn(data),
    pipeline: templateIn(pipeline),
    budget: existsSync(budget) ? templateIn(budget) : null,
    files: files.filter((file) => existsSync(file)),
  };
}

const templateIn = (file: string): Template => Template.fromString(readFileSync(file, 'utf8'));

/** The app itself with what it holds, synthesized for this call alone and validated by CDK. */
export function lakeApp(context: Record<string, string>): {
  app: App;
  data: DataStack;
  pipeline: PipelineStack;
  budget: BudgetStack | null;
} {
  const app = new App(withContext(context));
  return { app, ...sentimentLake(app) };
}

/** The data stack alone, which bundles no code; with some of the environment's settings changed. */
export const dataStack = (
  environment: string,
  changes: Partial<Settings> = {},
  context: Record<string, string> = {},
): DataStack =>
  new DataStack(new App({ ...withContext(context), ...TEMPLATES_ALONE }), 'Data', {
    environment: EnvironmentName.parse(environment),
    settings: { ...settingsFor(environment), ...changes },
  });

const Actions = z.union([z.array(z.string()), z.string().transform((one) => [one])]);
const Listed = z.union([z.array(z.unknown()), z.unknown().transform((one) => [one])]);

export const Statement = z.looseObject({
  Sid: z.string().optional(),
  Effect: z.enum(['Allow', 'Deny']),
  /** Empty where the statement says NotAction. */
  Action: Actions.default([]),
  NotAction: Actions.optional(),
  Resource: Listed.optional(),
  Principal: z.unknown().optional(),
  Condition: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
});
export type Statement = z.infer<typeof Statement>;

const Document = z.looseObject({ Statement: z.array(Statement) });

export interface FoundPolicy {
  readonly logicalId: string;
  readonly type: string;
  readonly statements: Statement[];
  /** What the roles of an AWS::IAM::Policy refer to. */
  readonly roles: string[];
}

const policyProperties: Record<string, string> = {
  'AWS::IAM::Policy': 'PolicyDocument',
  'AWS::IAM::ManagedPolicy': 'PolicyDocument',
  'AWS::S3::BucketPolicy': 'PolicyDocument',
  'AWS::SQS::QueuePolicy': 'PolicyDocument',
  'AWS::SNS::TopicPolicy': 'PolicyDocument',
  'AWS::KMS::Key': 'KeyPolicy',
  'AWS::SecretsManager::ResourcePolicy': 'ResourcePolicy',
};

/** Every policy of a template, role by role and resource by resource. */
export function policies(template: Template): FoundPolicy[] {
  const { Resources } = z
    .looseObject({
      Resources: z.record(
        z.string(),
        z.looseObject({ Type: z.string(), Properties: z.looseObject({}).default({}) }),
      ),
    })
    .parse(template.toJSON());
  return Object.entries(Resources).flatMap(([logicalId, { Type, Properties }]) => {
    const property = policyProperties[Type];
    if (property === undefined) return [];
    const roles = z
      .array(z.unknown())
      .parse(Properties.Roles ?? [])
      .map((role) => JSON.stringify(role));
    return [
      { logicalId, type: Type, statements: Document.parse(Properties[property]).Statement, roles },
    ];
  });
}
