import { z } from 'zod';
import { EnvironmentName } from '../../../infra/config';
import { stackName } from '../../../infra/naming';
import { synthesize } from '../synthesis';
import { held, problems } from './order';
import { Stacks, Template } from './stacks';
import type { Resource } from './stacks';

// CloudFormation makes at once whatever does not wait for something. What a service looks at while a resource is made has to
// be there by then: rules.ts says what that is, resource by resource.
const Templates = z.record(z.string(), Template);
type Templates = z.infer<typeof Templates>;
const Properties = z.record(z.string(), z.unknown());

const templatesOf = (environment: EnvironmentName): Templates => {
  const { data, pipeline, budget } = synthesize({ env: environment });
  const named = {
    [stackName(environment, 'Data')]: data,
    [stackName(environment, 'Pipeline')]: pipeline,
    [stackName(environment, 'Budget')]: budget,
  };
  return Templates.parse(
    Object.fromEntries(
      Object.entries(named).flatMap(([name, template]) =>
        template === null ? [] : [[name, template.toJSON()]],
      ),
    ),
  );
};

const all = new Map<EnvironmentName, Templates>();
beforeAll(() => {
  for (const environment of EnvironmentName.options) all.set(environment, templatesOf(environment));
}, 240_000);

const messages = (templates: Templates): string[] =>
  problems(new Stacks(templates)).map(({ message }) => message);

/** The templates of dev, one resource of them changed by `change`; the rest is shared. */
function changed(address: string, change: (resource: Resource) => Resource): Templates {
  const templates = all.get('dev') ?? {};
  const [stack = '', id = ''] = address.split('/');
  const template = templates[stack];
  const resource = template?.Resources[id];
  if (!template || !resource) throw new Error(`dev has no ${address}`);
  return {
    ...templates,
    [stack]: { ...template, Resources: { ...template.Resources, [id]: change(resource) } },
  };
}

/** The one resource of dev's pipeline whose logical id begins so. */
function idOf(start: string): string {
  const stack = stackName('dev', 'Pipeline');
  const [id, ...others] = Object.keys(all.get('dev')?.[stack]?.Resources ?? {}).filter((name) =>
    new RegExp(`^${start}[0-9A-F]{8}$`).test(name),
  );
  if (id === undefined || others.length > 0) throw new Error(`${start} is not one resource`);
  return `${stack}/${id}`;
}

test.each(EnvironmentName.options)(
  '%s: what a service checks when a resource is created is there by then',
  (environment) => {
    expect(messages(all.get(environment) ?? {})).toEqual([]);
  },
);

test('every environment has permissions to wait for', () => {
  for (const environment of EnvironmentName.options)
    expect(held(new Stacks(all.get(environment) ?? {})).length).toBeGreaterThan(100);
});

describe('what is taken away is missed', () => {
  /** Each DependsOn of a resource that needs a role's permission, if it names a policy that nothing else brings. */
  const dependencies = () => {
    const stacks = new Stacks(all.get('dev') ?? {});
    const needy = new Set(held(stacks).map(({ address }) => address));
    return stacks
      .all()
      .filter(({ address }) => needy.has(address))
      .flatMap(({ address, resource }) =>
        resource.DependsOn.map((id) => ({ address, id })).filter(({ id }) => {
          const policy = `${address.split('/')[0]}/${id}`;
          const without = new Stacks(withoutDependency(address, id));
          return (
            stacks.at(policy).Type === 'AWS::IAM::Policy' && !without.before(address).has(policy)
          );
        }),
      );
  };
  const withoutDependency = (address: string, id: string) =>
    changed(address, (resource) => ({
      ...resource,
      DependsOn: [resource.DependsOn].flat().filter((one) => one !== id),
    }));

  test('each dependency on a policy, one at a time', () => {
    const found = dependencies();

    const unmissed = found.filter(({ address, id }) => {
      const missed = problems(new Stacks(withoutDependency(address, id)), address);
      return !missed.some(({ message }) => message.includes(id));
    });

    expect(found.length).toBeGreaterThan(25);
    expect(unmissed.map(({ address, id }) => `${address} ${id}`)).toEqual([]);
  });

  test('each action that a resource waits for, whichever policy has it', () => {
    const stacks = new Stacks(all.get('dev') ?? {});
    // What a custom resource's handlers may do is read from their policies: without a statement there is no need.
    const needs = held(stacks).filter(({ role }) => !role.includes('/Images'));
    const bare = Object.fromEntries(
      Object.entries(all.get('dev') ?? {}).map(([stack, template]) => [
        stack,
        {
          ...template,
          Resources: Object.fromEntries(
            Object.entries(template.Resources).filter(
              ([id]) => !stacks.rolePolicies.some(({ address }) => address === `${stack}/${id}`),
            ),
          ),
        },
      ]),
    );
    // Nothing may wait for what is gone.
    const text = JSON.stringify(bare, (key, value: unknown) => (key === 'DependsOn' ? [] : value));
    const found = messages(Templates.parse(JSON.parse(text)));

    const unmissed = needs.filter(
      ({ address, role, action }) =>
        !found.some(
          (message) =>
            message.startsWith(address) && message.includes(`${role} is allowed ${action}`),
        ),
    );

    expect(needs.length).toBeGreaterThan(80);
    expect(unmissed).toEqual([]);
  });

  test.each([
    ['the permission to write traces', 'Functionscrawlrawdata', /WriteTraces.*node\.addDependency/],
    ['the permission to write logs', 'Functionsplanrun', /logs:PutLogEvents.*node\.addDependency/],
    [
      'the right to send to a destination',
      'FunctionsarchiveexecutionEventInvokeConfig',
      /sqs:SendMessage.*amplify-js#9869/,
    ],
    ['the right to start the machine', 'SchedulesNightly', /states:StartExecution.*fires as soon/],
    ['the right to deliver the log', 'PipelineMachine', /logs:CreateLogDelivery/],
    ['the right to build', 'ImagesProject', /s3:GetObject/],
    ['the rights of the handlers', 'Images', /codebuild:StartBuild/],
  ])('%s: the message says who, what and what to do', (_, start, message) => {
    const templates = changed(idOf(start), (resource) => ({ ...resource, DependsOn: [] }));

    expect(messages(templates).join('\n')).toMatch(message);
  });

  test('a stack whose outputs are not read is no earlier stack', () => {
    const [data, pipeline] = [stackName('dev', 'Data'), stackName('dev', 'Pipeline')];
    const stacks = new Stacks(all.get('dev') ?? {});
    const { [data]: first } = all.get('dev') ?? {};
    const alone = new Stacks({
      ...(first && { [data]: first }),
      [pipeline]: { Resources: { Topic: { Type: 'AWS::SNS::Topic' } } },
    });

    expect([...stacks.before(idOf('MachineLog'))].join()).toContain(`${data}/KeyC`.slice(0, -1));
    expect([...alone.before(`${pipeline}/Topic`)]).toEqual([]);
  });

  test('the key’s leave for a log group, and the topic’s for the budget', () => {
    const log = changed(idOf('MachineLog'), (resource) => ({
      ...resource,
      Properties: { ...resource.Properties, LogGroupName: '/somewhere/else' },
    }));
    const topic = changed(idOf('NotificationsTopicPolicy'), (resource) => ({
      ...resource,
      Properties: Properties.parse(
        JSON.parse(
          JSON.stringify(resource.Properties).replaceAll('budgets.amazonaws.com', 'other'),
        ),
      ),
    }));

    expect(messages(log)).toEqual([
      expect.stringMatching(/MachineLog.*needs logs\.<AWS::Region>\.amazonaws\.com.*kms:Encrypt/),
    ]);
    expect(messages(topic)).toEqual([
      expect.stringMatching(/MonthlyBudget.*budgets\.amazonaws\.com to be allowed sns:Publish/),
    ]);
  });
});

describe('what is added is looked at', () => {
  const added = (resource: Partial<Resource> & { Type: string }): string[] => {
    const stack = stackName('dev', 'Pipeline');
    const templates = all.get('dev') ?? {};
    const template = templates[stack] ?? { Resources: {}, Outputs: {} };
    const New: Resource = { Properties: {}, DependsOn: [], ...resource };
    return messages({
      ...templates,
      [stack]: { ...template, Resources: { ...template.Resources, New } },
    });
  };
  const roleArn = () => ({ 'Fn::GetAtt': [idOf('MachineRole').split('/')[1], 'Arn'] });

  test('a type that takes a role and has no rule, with where to write one', () => {
    expect(
      added({ Type: 'AWS::Pipes::Pipe', Properties: { Deep: [{ RoleArn: roleArn() }] } }),
    ).toEqual([
      expect.stringMatching(/New takes a role.*AWS::Pipes::Pipe.*test\/infra\/creation\/rules\.ts/),
    ]);
  });

  test('a role that the service cannot assume', () => {
    expect(added({ Type: 'AWS::Glue::Crawler', Properties: { Role: roleArn() } })).toContainEqual(
      expect.stringMatching(/glue\.amazonaws\.com cannot assume.*trust policy/),
    );
  });

  test.each([
    ['a VPC', { VpcConfig: {} }, 'ec2:CreateNetworkInterface'],
    ['a key for its variables', { KmsKeyArn: 'arn:key' }, 'kms:Decrypt'],
    ['a file system', { FileSystemConfigs: [{}] }, 'elasticfilesystem:ClientMount'],
    ['tracing', { TracingConfig: { Mode: 'Active' } }, 'xray:PutTraceSegments'],
  ])('a function with %s and without the permission', (_, properties, action) => {
    const stack = stackName('dev', 'Pipeline');
    const role = Object.keys(all.get('dev')?.[stack]?.Resources ?? {}).find(
      (id) => id.startsWith('Imagesstartimagebuildrole') && !id.includes('WriteLogs'),
    );

    expect(
      added({
        Type: 'AWS::Lambda::Function',
        Properties: { Role: { 'Fn::GetAtt': [role, 'Arn'] }, ...properties },
      }),
    ).toContainEqual(expect.stringMatching(new RegExp(`allowed ${action}.*add a statement`)));
  });
});
