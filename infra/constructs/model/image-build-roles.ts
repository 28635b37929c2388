import type * as ecr from 'aws-cdk-lib/aws-ecr';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as lambda from 'aws-cdk-lib/aws-lambda';
import type * as logs from 'aws-cdk-lib/aws-logs';
import type { Asset } from 'aws-cdk-lib/aws-s3-assets';
import * as sfn from 'aws-cdk-lib/aws-stepfunctions';
import type { Provider } from 'aws-cdk-lib/custom-resources';
import { Construct } from 'constructs';
import { acknowledge, acknowledgeWildcards } from '../security/acknowledge';
import { allow } from '../security/grants';
import type { Permission } from '../security/grants';
import { actingFor } from '../security/service-trust';

export interface BuildRoleProps {
  readonly sources: Asset;
  readonly repositories: readonly ecr.IRepository[];
  readonly logGroup: logs.ILogGroup;
}

/** The role of the image build: it may read its sources, push to the two repositories and write its log. */
export class BuildRole extends Construct {
  readonly role: iam.IRole;
  readonly policy: iam.Policy;

  constructor(scope: Construct, id: string, props: BuildRoleProps) {
    super(scope, id);
    const { sources, repositories, logGroup } = props;
    const role = new iam.Role(this, 'Role', {
      assumedBy: actingFor('codebuild'),
    });
    this.role = role.withoutPolicyUpdates();
    this.policy = allow(this, 'Build', role, [
      {
        actions: ['s3:GetObject', 's3:GetObjectVersion'],
        resources: [sources.bucket.arnForObjects(sources.s3ObjectKey)],
      },
      {
        actions: ['s3:GetBucketAcl', 's3:GetBucketLocation'],
        resources: [sources.bucket.bucketArn],
      },
      {
        actions: [
          'ecr:BatchCheckLayerAvailability',
          // To read the type of the pushed manifest.
          'ecr:BatchGetImage',
          'ecr:CompleteLayerUpload',
          // To skip existing images: ECR rejects a second push of a tag.
          'ecr:DescribeImages',
          'ecr:InitiateLayerUpload',
          'ecr:PutImage',
          'ecr:UploadLayerPart',
        ],
        resources: repositories.map(({ repositoryArn }) => repositoryArn),
      },
      ecrToken,
      writeLogs(logGroup),
    ]);
  }
}

/** The permission that every push and pull needs. */
export const ecrToken: Permission = {
  actions: ['ecr:GetAuthorizationToken'],
  resources: ['*'],
  wildcard: "A token is for the account's complete registry: ECR supports no resource for it",
};

const writeLogs = ({ logGroupArn }: logs.ILogGroup): Permission => ({
  actions: ['logs:CreateLogStream', 'logs:PutLogEvents'],
  resources: [logGroupArn],
});

/** A role for Lambdas outside the lake. It may only write one log until `allow` adds permissions. */
export function loggingRole(scope: Construct, id: string, logGroup: logs.ILogGroup): iam.IRole {
  // Lambda does not document aws:SourceAccount or aws:SourceArn for execution roles.
  const role = new iam.Role(scope, id, {
    assumedBy: new iam.ServicePrincipal('lambda.amazonaws.com'),
  });
  allow(role, 'WriteLogs', role, [writeLogs(logGroup)]);
  return role.withoutPolicyUpdates();
}

/**
 * Hardens CDK's waiter, which polls every few seconds whether a custom resource is ready: gives it a name, a role that
 * trusts only this account's state machines, and acknowledgements. Returns its ARN.
 */
export function guardWaiter(provider: Provider, name: string): string {
  const inside = provider.node.findAll();
  const waiter = inside.find((node) => node instanceof sfn.CfnStateMachine);
  const role = inside.find((node) => node instanceof iam.Role && node.node.path.includes('waiter'));
  const policy = role?.node.findAll().find((node) => node instanceof iam.CfnPolicy);
  if (!waiter || !(role instanceof iam.Role) || !policy) {
    throw new Error(
      `${provider.node.path} has no waiter: CDK has changed its construct. Adapt guardWaiter`,
    );
  }
  waiter.stateMachineName = name;
  const trusted = role.node.defaultChild;
  if (!(trusted instanceof iam.CfnRole)) throw new Error(`${role.node.path} is not an IAM role`);
  trusted.assumeRolePolicyDocument = trust(actingFor('states'));
  const reason =
    "A deployment's waiter: it only polls whether the images are built; the build has a log, and CloudFormation's events say how it ended";
  acknowledge(waiter, 'SF1', reason);
  acknowledge(waiter, 'SF2', reason);
  acknowledgeWildcards(
    policy,
    { resources: framework(provider).map((handler) => `${handler.attrArn}:*`) },
    'Versions of the two Lambdas of this waiter, which have none: CDK grants a function with its versions',
  );
  return waiter.ref;
}

/** The Lambdas that the waiter calls. */
const framework = (provider: Provider): lambda.CfnFunction[] =>
  provider.node
    .findAll()
    .filter((node) => node instanceof lambda.CfnFunction)
    .filter(({ node }) => /framework-(isComplete|onTimeout)/.test(node.path));

const trust = (principal: iam.IPrincipal): iam.PolicyDocument =>
  new iam.PolicyDocument({
    statements: [new iam.PolicyStatement({ actions: ['sts:AssumeRole'], principals: [principal] })],
  });
