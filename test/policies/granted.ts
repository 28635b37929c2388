import { z } from 'zod';
import { Statement, synthesize } from '../infra/synthesis';
import type { EnvironmentName } from '../../infra/config';
import { stackName } from '../../infra/naming';
import { Deployed } from './template';

/** A statement of a role's policy; `id` is its policy's construct and its place there. */
export interface Granted {
  readonly id: string;
  readonly role: string;
  readonly statement: Statement;
}

/** A statement of a bucket's, key's, queue's, topic's or secret's own policy. */
export interface ResourceStatement {
  readonly id: string;
  readonly kind: ResourceKind;
  /** ARN of what the policy belongs to, where its statements are for "*" and do not say. */
  readonly of?: string;
  readonly statement: Statement;
}

export type ResourceKind = 'bucket' | 'key' | 'queue' | 'topic' | 'secret';

export interface Policies {
  readonly granted: readonly Granted[];
  readonly ofResources: readonly ResourceStatement[];
  /** Keys of the Glue job's script (.py) and modules (.zip) in the bucket of assets. */
  readonly assets: readonly string[];
}

const resourcePolicies: Record<string, { kind: ResourceKind; property: string }> = {
  'AWS::S3::BucketPolicy': { kind: 'bucket', property: 'PolicyDocument' },
  'AWS::KMS::Key': { kind: 'key', property: 'KeyPolicy' },
  'AWS::SQS::QueuePolicy': { kind: 'queue', property: 'PolicyDocument' },
  'AWS::SNS::TopicPolicy': { kind: 'topic', property: 'PolicyDocument' },
  'AWS::SecretsManager::ResourcePolicy': { kind: 'secret', property: 'ResourcePolicy' },
};
const Document = z.looseObject({ Statement: z.array(Statement) });

/** The role as records and tables call it: its name without environment and hash. */
const roleKey = (name: string): string => /[A-Z][A-Za-z]*Role$/.exec(name)?.[0] ?? name;

/** The stacks of an environment, deployed; `mark` as of Deployed. */
export function deployedLake(environment: EnvironmentName, mark = ''): Deployed {
  const { data, pipeline, budget } = synthesize({ env: environment });
  return new Deployed(
    {
      [stackName(environment, 'Data')]: data.toJSON(),
      [stackName(environment, 'Pipeline')]: pipeline.toJSON(),
      ...(budget && { [stackName(environment, 'Budget')]: budget.toJSON() }),
    },
    mark,
  );
}

/** Every policy of both stacks, as the local environment deploys them, or another. */
export function policiesOfTheLake(deployed: Deployed = deployedLake('local')): Policies {
  const granted = deployed
    .resources((type) => type === 'AWS::IAM::Policy')
    .flatMap(({ id, properties }) => {
      const statements = Document.parse(properties.PolicyDocument).Statement;
      return z
        .array(z.string())
        .parse(properties.Roles)
        .flatMap((role) =>
          statements.map((statement, index) => ({
            id: `${id}[${index}]`,
            role: roleKey(role),
            statement,
          })),
        );
    });
  const ofResources = deployed
    .resources((type) => type in resourcePolicies)
    .flatMap(({ id, type, properties }) => {
      const policy = resourcePolicies[type];
      if (!policy) return [];
      return Document.parse(properties[policy.property]).Statement.map((statement, index) => ({
        id: `${id}/${statement.Sid ?? index}`,
        kind: policy.kind,
        ...(typeof properties.SecretId === 'string' && { of: properties.SecretId }),
        statement,
      }));
    });
  const jobs = JSON.stringify(deployed.resources((type) => type === 'AWS::Glue::Job'));
  const assets = [...new Set(jobs.match(/[0-9a-f]{64}\.(?:py|zip)/g))];
  return { granted, ofResources, assets };
}
