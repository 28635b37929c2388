import { z } from 'zod';
import { EnvironmentName } from '../../infra/config';
import { lakeName, modelPrefix } from '../../infra/naming';
import { deployedLake, policiesOfTheLake } from '../policies/granted';
import type { Policies } from '../policies/granted';
import { isAllowed } from '../policies/simulate';
import type { Deployed } from '../policies/template';

/*
 * Two environments in one account and region: nothing of one has the name of anything of the other, and no role of one
 * may do anything to what is the other's.
 */
type Properties = Record<string, unknown>;

/** A path into a resource's properties, such as `TableInput.Name`. */
const at = (properties: Properties, path: string): unknown =>
  path
    .split('.')
    .reduce<unknown>((node, key) => z.looseObject({}).safeParse(node).data?.[key], properties);

/**
 * Which properties are a resource's name in its account and region, type by type: all of them together must differ. Where
 * a template gives none, CloudFormation makes one that begins with the stack's. null: it has no name of its own, but
 * belongs to another resource.
 */
const naming: Record<string, readonly string[] | null> = {
  'AWS::Athena::NamedQuery': ['WorkGroup', 'Name'],
  'AWS::Athena::WorkGroup': ['Name'],
  'AWS::Budgets::Budget': ['Budget.BudgetName'],
  'AWS::CloudWatch::Alarm': ['AlarmName'],
  'AWS::CloudWatch::Dashboard': ['DashboardName'],
  'AWS::CodeBuild::Project': ['Name'],
  'AWS::ECR::Repository': ['RepositoryName'],
  'AWS::Events::Rule': ['Name'],
  'AWS::Glue::Crawler': ['Name'],
  'AWS::Glue::Database': ['DatabaseInput.Name'],
  'AWS::Glue::Job': ['Name'],
  'AWS::Glue::SecurityConfiguration': ['Name'],
  'AWS::Glue::Table': ['DatabaseName', 'TableInput.Name'],
  'AWS::IAM::Policy': ['Roles', 'PolicyName'],
  'AWS::IAM::Role': ['RoleName'],
  'AWS::KMS::Alias': ['AliasName'],
  'AWS::KMS::Key': null,
  'AWS::Kinesis::Stream': ['Name'],
  'AWS::Lambda::EventInvokeConfig': ['FunctionName', 'Qualifier'],
  'AWS::Lambda::EventSourceMapping': null,
  'AWS::Lambda::Function': ['FunctionName'],
  'AWS::Lambda::Permission': null,
  'AWS::Lambda::Version': null,
  'AWS::Logs::LogGroup': ['LogGroupName'],
  'AWS::S3::Bucket': ['BucketName'],
  'AWS::S3::BucketPolicy': ['Bucket'],
  'AWS::SNS::Topic': ['TopicName'],
  'AWS::SNS::TopicPolicy': null,
  'AWS::SQS::Queue': ['QueueName'],
  'AWS::SQS::QueuePolicy': null,
  'AWS::SecretsManager::ResourcePolicy': ['SecretId'],
  'AWS::SecretsManager::Secret': ['Name'],
  'AWS::StepFunctions::StateMachine': ['StateMachineName'],
  'Custom::ImageBuild': null,
};

interface Lake {
  deployed: Deployed;
  policies: Policies;
}
const lakes = new Map<EnvironmentName, Lake>();
const lakeOf = (environment: EnvironmentName): Lake => {
  const found = lakes.get(environment);
  if (!found) throw new Error(`${environment} was not synthesized`);
  return found;
};
beforeAll(() => {
  for (const environment of EnvironmentName.options) {
    const deployed = deployedLake(environment, `-${environment}`);
    lakes.set(environment, { deployed, policies: policiesOfTheLake(deployed) });
  }
}, 300_000);

const resourcesOf = (environment: EnvironmentName) =>
  lakeOf(environment).deployed.resources(() => true);

/** `AWS::Glue::Table sentiment_lake_dev/tweets` for everything that a template gives a name. */
const namesOf = (environment: EnvironmentName): string[] =>
  resourcesOf(environment).flatMap(({ type, properties }) => {
    const parts = (naming[type] ?? []).map((path) => at(properties, path));
    const own = parts.at(-1);
    return own === undefined ? [] : [`${type} ${parts.flat().join('/')}`];
  });

const pairs = [
  ['dev', 'prod'],
  ['local', 'dev'],
  ['local', 'prod'],
] as const;

test('the table above knows what names each type of resource that is deployed', () => {
  const types = EnvironmentName.options.flatMap((name) =>
    resourcesOf(name).map(({ type }) => type),
  );

  expect([...new Set(types)].filter((type) => naming[type] === undefined)).toEqual([]);
  expect(Object.keys(naming).filter((type) => !types.includes(type))).toEqual([]);
});

test.each(pairs)('nothing of %s has the name of anything of %s', (one, other) => {
  const taken = new Set(namesOf(other));
  const named = namesOf(one);

  expect(named.length).toBeGreaterThan(100);
  expect(named.filter((name) => taken.has(name))).toEqual([]);
});

test.each(pairs)('every alarm of %s watches something that %s has not', (one, other) => {
  const watched = (environment: EnvironmentName) =>
    resourcesOf(environment)
      .filter(({ type }) => type === 'AWS::CloudWatch::Alarm')
      .map(({ properties: { Dimensions, Metrics } }) => JSON.stringify([Dimensions, Metrics]));
  const others = new Set(watched(other));

  expect(watched(one).length).toBeGreaterThan(10);
  expect(watched(one).filter((metric) => others.has(metric))).toEqual([]);
});

/** Whether one string can be of both patterns, as IAM reads * and ?. */
function overlap(one: string, other: string): boolean {
  const seen = new Set<string>();
  const meet = (a: number, b: number): boolean => {
    const key = `${a} ${b}`;
    if (seen.has(key)) return false;
    seen.add(key);
    const [left, right] = [one[a], other[b]];
    if (left === undefined && right === undefined) return true;
    if (left === '*') return meet(a + 1, b) || (right !== undefined && meet(a, b + 1));
    if (right === '*') return meet(a, b + 1) || (left !== undefined && meet(a + 1, b));
    if (left === undefined || right === undefined) return false;
    return (left === '?' || right === '?' || left === right) && meet(a + 1, b + 1);
  };
  return meet(0, 0);
}

test.each([
  ['arn:sl-*', 'arn:sl-prod-*', true],
  ['arn:sl-dev-*', 'arn:sl-prod-*', false],
  ['arn:*-x', 'arn:y*', true],
  ['arn:ab', 'arn:a', false],
  ['arn:a?', 'arn:ab', true],
])('%s and %s overlap: %s', (one, other, expected) => {
  expect(overlap(one, other)).toBe(expected);
});

/**
 * What roles of both environments may touch, and why that is not the other environment's: `*` where the service knows no
 * resources for an action, and what an account has once.
 */
const shared: readonly { resource: RegExp; why: string }[] = [
  { resource: /^\*$/, why: 'the action knows no resources; each is acknowledged as a wildcard' },
  {
    resource: /:glue:[^:]*:[^:]*:catalog$/,
    why: 'Glue asks for the catalog, of which there is one',
  },
  { resource: /:log-group:\/aws-glue\//, why: 'Glue shares its log groups among all jobs' },
  { resource: /:log-group:\/aws\/sagemaker\//, why: 'SageMaker shares one among all trainings' },
  { resource: /^arn:aws:s3:::cdk-/, why: "code that is deployed lies in the CDK's one bucket" },
];
const isShared = (resource: string) => shared.some((one) => one.resource.test(resource));

const resourcesIn = ({ granted }: Policies) =>
  granted
    .filter(({ statement }) => statement.Effect === 'Allow')
    .flatMap(({ role, statement }) =>
      (statement.Resource ?? []).map((resource) => ({
        role,
        actions: statement.Action,
        resource: String(resource),
      })),
    );

test.each([
  ['dev', 'prod'],
  ['prod', 'dev'],
] as const)(
  'no policy of a role of %s reaches anything that roles of %s may touch',
  (one, other) => {
    const own = resourcesIn(lakeOf(one).policies).filter(({ resource }) => !isShared(resource));
    const theirs = [
      ...new Set(resourcesIn(lakeOf(other).policies).map(({ resource }) => resource)),
    ].filter((resource) => !isShared(resource));

    expect(theirs.length).toBeGreaterThan(50);
    expect(
      own.flatMap(({ role, actions, resource }) =>
        theirs
          .filter((their) => overlap(resource, their))
          .map((their) => `${one}'s ${role} may ${actions.join(', ')} on ${other}'s ${their}`),
      ),
    ).toEqual([]);
  },
);

test('what is said to be shared is in both, so that no entry outlives its reason', () => {
  const used = (environment: EnvironmentName) =>
    resourcesIn(lakeOf(environment).policies).map(({ resource }) => resource);

  expect(
    shared.filter(
      ({ resource }) =>
        !used('dev').some((one) => resource.test(one)) ||
        !used('prod').some((one) => resource.test(one)),
    ),
  ).toEqual([]);
});

/** What the other's own policies guard, asked for by a role that its own account's IAM would let do anything. */
const guarded = (environment: EnvironmentName) =>
  [
    ['s3:GetObject', `arn:aws:s3:::bucket-${environment}/cleaned-data/tweets/dt=2026-11-24/a`],
    ['s3:PutObject', `arn:aws:s3:::bucket-${environment}/raw-data/labels/a.jsonl`],
    ['s3:ListBucket', `arn:aws:s3:::bucket-${environment}`],
    ['secretsmanager:GetSecretValue', secretArn(environment)],
  ] as const;
const secretArn = (environment: EnvironmentName) =>
  `arn:aws:secretsmanager:us-east-1:111122223333:secret:secret-${environment}`;

test.each([
  ['dev', 'prod'],
  ['prod', 'dev'],
] as const)(
  'a role of %s is refused by the policies of %s, whatever IAM says',
  async (one, other) => {
    const { granted } = lakeOf(one).policies;
    const allowed: string[] = [];
    for (const role of new Set(granted.map(({ role: name }) => name))) {
      const principal = {
        arn: `arn:aws:iam::111122223333:role/${lakeName(one, role)}`,
        statements: [{ Effect: 'Allow' as const, Action: ['*'], Resource: ['*'], Condition: {} }],
      };
      for (const [action, resource] of guarded(other)) {
        if (await isAllowed(principal, { action, resource }, lakeOf(other).policies))
          allowed.push(`${one}'s ${role} may ${action} on ${resource}`);
      }
    }

    expect(allowed).toEqual([]);
  },
);

test('models of dev and prod begin with other names, and so do those of the embedded cloud', () => {
  expect(overlap(`${modelPrefix('dev')}*`, `${modelPrefix('prod')}*`)).toBe(false);
  expect(modelPrefix('local')).toBe('sl-');
});
