import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { Template } from 'aws-cdk-lib/assertions';
import { z } from 'zod';
import cdkJson from '../../cdk.json';
import { sentimentLake } from '../../infra/app';
import { EnvironmentName, settingsFor } from '../../infra/config';
import type { Settings } from '../../infra/config';
import { DataStack } from '../../infra/stacks/data-stack';

const app = (context: Record<string, string> = {}) =>
  new App({ context: { ...cdkJson.context, ...context } });

/** The app's two templates, as `cdk synth` makes them with `-c name=value` for each of `context`. */
export function synthesize(context: Record<string, string> = {}): {
  data: Template;
  pipeline: Template;
} {
  const { data, pipeline } = sentimentLake(app(context));
  return { data: Template.fromStack(data), pipeline: Template.fromStack(pipeline) };
}

/** The data stack alone, which bundles no code; with some of the environment's settings changed. */
export const dataStack = (
  environment: string,
  changes: Partial<Settings> = {},
  context: Record<string, string> = {},
): DataStack =>
  new DataStack(app(context), 'Data', {
    environment: EnvironmentName.parse(environment),
    settings: { ...settingsFor(environment), ...changes },
  });

export interface Assembly {
  readonly app: App;
  readonly data: Template;
  readonly pipeline: Template;
  /** The two templates' files. */
  readonly files: readonly string[];
}

/** The whole app of an environment, as `cdk synth -c env=…` leaves it. */
export function assemble(environment: EnvironmentName): Assembly {
  const assembled = app({ env: environment });
  const { data, pipeline } = sentimentLake(assembled);
  const { directory } = assembled.synth();
  return {
    app: assembled,
    data: Template.fromStack(data),
    pipeline: Template.fromStack(pipeline),
    files: [data, pipeline].map(({ templateFile }) => join(directory, templateFile)),
  };
}

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
