import { runSimulation } from '@cloud-copilot/iam-simulate';
import { z } from 'zod';
import { stackName } from '../../infra/naming';
import { ACCOUNT, Deployed, REGION } from '../policies/template';
import { synthesize, policies } from './synthesis';
import type { Assembly, FoundPolicy } from './synthesis';
import { resolved } from './resolved';

let assembly: Assembly;
beforeAll(() => {
  // Of production, which has all that the other environments have.
  assembly = synthesize({ env: 'prod' });
}, 120_000);

const Trust = z.object({
  Properties: z.object({
    AssumeRolePolicyDocument: z.object({
      Statement: z.array(
        z.object({
          Principal: z.object({ Service: z.string().optional(), AWS: z.unknown().optional() }),
          Condition: z.record(z.string(), z.record(z.string(), z.unknown())).default({}),
        }),
      ),
    }),
  }),
});

const trusts = () =>
  [assembly.data, assembly.pipeline]
    .flatMap((template) => Object.entries(template.findResources('AWS::IAM::Role')))
    .flatMap(([role, resource]) =>
      Trust.parse(resource).Properties.AssumeRolePolicyDocument.Statement.map((statement) => ({
        role,
        ...statement,
      })),
    );

/** The trust policies that name a service, as a deployment would make them. */
const serviceTrusts = () =>
  new Deployed({
    [stackName('prod', 'Data')]: assembly.data.toJSON(),
    [stackName('prod', 'Pipeline')]: assembly.pipeline.toJSON(),
  })
    .resources((type) => type === 'AWS::IAM::Role')
    .flatMap(({ id, properties: { AssumeRolePolicyDocument: document } }) =>
      z
        .looseObject({
          Statement: z.array(
            z.looseObject({ Principal: z.looseObject({ Service: z.string().optional() }) }),
          ),
        })
        .parse(document)
        .Statement.flatMap(({ Principal: { Service } }) =>
          Service === undefined
            ? []
            : [{ role: id, service: Service.replace('.amazonaws.com', ''), document }],
        ),
    );

/** Whether a role's trust policy lets a service assume it that sends this context. */
async function assumable(
  document: unknown,
  service: string,
  contextVariables: Record<string, string>,
): Promise<boolean> {
  const found = await runSimulation(
    {
      request: {
        principal: service,
        action: 'sts:AssumeRole',
        resource: { resource: `arn:aws:iam::${ACCOUNT}:role/any`, accountId: ACCOUNT },
        contextVariables: { ...contextVariables, 'aws:PrincipalIsAWSService': 'true' },
      },
      identityPolicies: [],
      serviceControlPolicies: [],
      resourceControlPolicies: [],
      resourcePolicy: document,
    },
    {},
  );
  if (found.resultType === 'error') throw new Error(JSON.stringify(found));
  return found.overallResult === 'Allowed';
}

/** Every one of these documents aws:SourceAccount and aws:SourceArn for the roles that it assumes. */
const confusable = ['codebuild', 'events', 'glue', 'sagemaker', 'states'];
/** Documents none for execution roles; a role can be given to a function of this account alone, by iam:PassRole. */
const exceptions = ['lambda'];

describe('the trust policies', () => {
  const services = () =>
    trusts().flatMap(({ Principal: { Service }, ...rest }) =>
      Service === undefined ? [] : [{ service: Service.replace('.amazonaws.com', ''), ...rest }],
    );

  test('know six services', () => {
    expect([...new Set(services().map(({ service }) => service))].sort()).toEqual(
      [...confusable, ...exceptions].sort(),
    );
  });

  test('trust a service for resources of this account alone, wherever the service says which', () => {
    for (const { role, service, Condition } of services()) {
      if (exceptions.includes(service)) continue;
      const sources = Object.values(Condition).flatMap(
        (operator) => operator['aws:SourceArn'] ?? [],
      );

      expect([role, Condition.StringEquals]).toEqual([
        role,
        { 'aws:SourceAccount': { Ref: 'AWS::AccountId' } },
      ]);
      expect([role, sources.length > 0]).toEqual([role, true]);
      for (const source of sources.flat())
        expect(resolved(source)).toMatch(new RegExp(`^arn:aws:${service}:us-east-1:111122223333:`));
    }
  });

  // AWS documents for no service whether it names a resource while another one is created. Each has to be let in either way.
  test.each([
    ['with the resource it acts for', true],
    ['without a word about the resource', false],
  ])('let a service in %s, and nobody else’s', async (_, isNamed) => {
    for (const { service, role, document } of serviceTrusts()) {
      const asks = (account: string) =>
        assumable(document, `${service}.amazonaws.com`, {
          'aws:SourceAccount': account,
          ...(isNamed && {
            'aws:SourceArn': `arn:aws:${service}:${REGION}:${account}:anything/not-there-yet`,
          }),
        });

      expect([role, await asks(ACCOUNT)]).toEqual([role, true]);
      if (!exceptions.includes(service))
        expect([role, await asks('999988887777')]).toEqual([role, false]);
    }
  });

  test('would lock a service out that names no resource, if they asked for one', async () => {
    const narrow = {
      Version: '2012-10-17',
      Statement: [
        {
          Effect: 'Allow',
          Action: 'sts:AssumeRole',
          Principal: { Service: 'glue.amazonaws.com' },
          Condition: { ArnLike: { 'aws:SourceArn': `arn:aws:glue:${REGION}:${ACCOUNT}:job/*` } },
        },
      ],
    };
    const named = { 'aws:SourceArn': `arn:aws:glue:${REGION}:${ACCOUNT}:job/clean` };

    expect(await assumable(narrow, 'glue.amazonaws.com', named)).toBe(true);
    expect(await assumable(narrow, 'glue.amazonaws.com', {})).toBe(false);
  });

  test('let nobody in until the settings of production name people', () => {
    const people = trusts().filter(({ Principal: { AWS } }) => AWS !== undefined);

    // A role must trust somebody: these the root user alone, by their condition.
    expect(people.map(({ role }) => role).sort()).toEqual([
      expect.stringMatching(/^ForceGrantRole/),
      expect.stringMatching(/^RolesAnalyticsRole/),
      expect.stringMatching(/^RolesLabellerRole/),
    ]);
    for (const { Condition } of people)
      expect(resolved(Condition.ArnEquals?.['aws:PrincipalArn'])).toBe(
        'arn:aws:iam::111122223333:root',
      );
  });
});

const identityPolicies = (): FoundPolicy[] =>
  [assembly.data, assembly.pipeline]
    .flatMap(policies)
    .filter(({ type }) => type === 'AWS::IAM::Policy');

describe('the permissions of every role, those that CDK makes included', () => {
  test('name their actions: no pattern', () => {
    const patterns = identityPolicies()
      .flatMap(({ statements }) => statements)
      .flatMap(({ Action }) => Action)
      .filter((action) => action.includes('*'));

    expect(patterns).toEqual([]);
  });

  test('are for everything in the account only where the service knows no resource', () => {
    const everywhere = identityPolicies()
      .flatMap(({ statements }) => statements)
      .filter(({ Resource }) => Resource?.includes('*'))
      .flatMap(({ Action }) => Action);

    expect([...new Set(everywhere)].sort()).toEqual([
      // The event history of a region is no resource.
      'cloudtrail:LookupEvents',
      // The namespace is a condition.
      'cloudwatch:PutMetricData',
      // A token is for the whole registry.
      'ecr:GetAuthorizationToken',
      // Glue authorises it on no resource.
      'glue:GetSecurityConfiguration',
      // Deliveries of a state machine's log, as Step Functions documents them.
      'logs:CreateLogDelivery',
      'logs:DeleteLogDelivery',
      'logs:DescribeLogGroups',
      'logs:DescribeResourcePolicies',
      'logs:GetLogDelivery',
      'logs:ListLogDeliveries',
      'logs:PutResourcePolicy',
      'logs:UpdateLogDelivery',
      // X-Ray knows no resources.
      'xray:GetSamplingRules',
      'xray:GetSamplingTargets',
      'xray:PutTelemetryRecords',
      'xray:PutTraceSegments',
    ]);
  });

  test('metrics are written to the namespaces of Glue and SageMaker alone', () => {
    const statements = identityPolicies()
      .flatMap((policy) => policy.statements)
      .filter(({ Action }) => Action.includes('cloudwatch:PutMetricData'));

    expect(statements.map(({ Condition }) => Condition)).toEqual([
      { StringEquals: { 'cloudwatch:namespace': 'Glue' } },
      // Of training jobs and of endpoints.
      { StringLike: { 'cloudwatch:namespace': ['/aws/sagemaker/*', 'aws/sagemaker/*'] } },
      { StringLike: { 'cloudwatch:namespace': ['/aws/sagemaker/*', 'aws/sagemaker/*'] } },
    ]);
  });

  test('elsewhere a wildcard comes last, behind service, region, account and the beginning of a name', () => {
    const partly = identityPolicies()
      .flatMap(({ statements }) => statements)
      .flatMap(({ Resource }) => Resource ?? [])
      .map(resolved)
      .filter((resource) => resource !== '*' && resource.includes('*'));

    expect(partly.length).toBeGreaterThan(20);
    expect(
      partly.filter(
        (resource) =>
          !/^arn:aws:[a-z]+:us-east-1:111122223333:[^*]{9,}\*(\/(manifest|forgotten)\.json|\/evaluation\.(\*|html)|\/output\/(output|model)\.tar\.gz|\/(input|output)\/\*)?$/.test(
            resource,
          ),
      ),
    ).toEqual([]);
  });

  test('no role has a managed policy: those of AWS grow without us', () => {
    const managed = [assembly.data, assembly.pipeline]
      .flatMap((template) => Object.values(template.findResources('AWS::IAM::Role')))
      .filter(({ Properties }) => Properties.ManagedPolicyArns !== undefined);

    expect(managed).toEqual([]);
  });
});
