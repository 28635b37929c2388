import { z } from 'zod';
import { Statement } from '../synthesis';
import { lacking } from './grants';
import { customResource, roleIn, rules } from './rules';
import type { Asked, Delivery, Rule } from './rules';
import type { Address, Resource, Stacks } from './stacks';

export interface Problem {
  /** The resource that would be refused, or would not work. */
  readonly address: Address;
  readonly message: string;
}

/** A permission that a resource needs, and by which policy it has it. */
export interface Held {
  readonly address: Address;
  readonly role: Address;
  readonly action: string;
}

const ROLE_PROPERTY = /(^|[a-z])Role(Arn|ARN|Name)?s?$/;

/** Whether a resource is given a role: a property called so, at any depth, whatever it holds. */
function takesRole(node: unknown): boolean {
  if (Array.isArray(node)) return node.some(takesRole);
  if (typeof node !== 'object' || node === null) return false;
  return Object.entries(node).some(([key, value]) => ROLE_PROPERTY.test(key) || takesRole(value));
}

const ruleOf = ({ Type, Properties }: Resource): Rule | undefined =>
  rules[Type] ?? (Properties.ServiceToken === undefined ? undefined : customResource);

/**
 * What CloudFormation would break on, or leave without permission, if it made these stacks in their order; of all
 * resources, or of one.
 */
export function problems(stacks: Stacks, only?: Address): Problem[] {
  return stacks.all().flatMap(({ address, resource }) => {
    if (only !== undefined && address !== only) return [];
    const rule = ruleOf(resource);
    if (rule === undefined) return unknownRole(address, resource);
    const [stack = ''] = address.split('/');
    const asked: Asked = { stacks, address, stack, properties: resource.Properties };
    const messages = [
      ...mistrusted(asked, rule),
      ...late(asked, rule),
      ...(rule.deliveries?.(asked) ?? []).flatMap((delivery) => undelivered(asked, delivery)),
    ];
    return [...new Set(messages)].map((message) => ({
      address,
      message: `${address} (${resource.Type}) ${message}`,
    }));
  });
}

/** Every permission that the rules ask for. */
export function held(stacks: Stacks): Held[] {
  return stacks.all().flatMap(({ address, resource }) => {
    const [stack = ''] = address.split('/');
    const asked: Asked = { stacks, address, stack, properties: resource.Properties };
    return (ruleOf(resource)?.demands?.(asked) ?? []).flatMap(({ role, actions }) =>
      actions.map((action) => ({ address, role, action })),
    );
  });
}

function unknownRole(address: Address, { Type, Properties }: Resource): Problem[] {
  if (Type.startsWith('AWS::IAM::') || !takesRole(Properties)) return [];
  return [
    {
      address,
      message:
        `${address} takes a role, and nobody has said what ${Type} checks when it is created. ` +
        'Add a row for the type to `rules` in test/infra/creation/rules.ts: the service that assumes the role, ' +
        'the actions that have to be allowed first, and the page or issue that says so.',
    },
  ];
}

const Trust = z.looseObject({
  Statement: z.array(
    z.looseObject({ Effect: z.string(), Principal: z.looseObject({ Service: z.unknown() }) }),
  ),
});

function mistrusted(asked: Asked, { principal, roles }: Rule): string[] {
  if (principal === null) return [];
  return (roles?.(asked) ?? []).flatMap((node) => {
    const role = roleIn(asked, node);
    const { Statement: trust } = Trust.parse(
      asked.stacks.at(role).Properties.AssumeRolePolicyDocument,
    );
    const services = trust
      .filter(({ Effect }) => Effect === 'Allow')
      .flatMap(({ Principal: { Service } }) => [Service].flat());
    return services.includes(principal)
      ? []
      : [
          `is given ${role}, which ${principal} cannot assume. Add the service to the role's trust policy.`,
        ];
  });
}

function late(asked: Asked, { demands }: Rule): string[] {
  if (demands === undefined) return [];
  const { stacks, address } = asked;
  const there = stacks.before(address);
  return demands(asked).flatMap((demand) =>
    lacking(stacks, demand.role, demand, there).map(({ action, later }) => {
      const on = demand.on === null || demand.on === '*' ? '' : ` on ${demand.on}`;
      const todo =
        later === null
          ? `No policy of the role allows it${demand.via === undefined ? '' : ` through ${demand.via}`}: add a statement, in a policy that the resource depends on.`
          : `${later} allows it, but may be made later: let the resource depend on it (node.addDependency).`;
      return `may be created before ${demand.role} is allowed ${action}${on}. ${todo} Why: ${demand.source}.`;
    }),
  );
}

const Properties = z.looseObject({});
const documents: Record<string, { policy: string; of: string }> = {
  'AWS::SQS::QueuePolicy': { policy: 'PolicyDocument', of: 'Queues' },
  'AWS::SNS::TopicPolicy': { policy: 'PolicyDocument', of: 'Topics' },
  'AWS::S3::BucketPolicy': { policy: 'PolicyDocument', of: 'Bucket' },
};

/** The policies of a resource itself: where they are, and what they say. */
function policiesOf(stacks: Stacks, to: Address): { address: Address; statements: Statement[] }[] {
  const [stack = ''] = to.split('/');
  const parse = (document: unknown): Statement[] =>
    z.looseObject({ Statement: z.array(Statement) }).parse(document).Statement;
  const { Type, Properties: own } = stacks.at(to);
  if (Type === 'AWS::KMS::Key') return [{ address: to, statements: parse(own.KeyPolicy) }];
  return stacks.all().flatMap(({ address, resource }) => {
    if (!address.startsWith(`${stack}/`)) return [];
    const given = Properties.parse(resource.Properties);
    if (resource.Type === 'AWS::Lambda::Permission')
      return stacks.references(stack, given.FunctionName).some((found) => found.address === to)
        ? [
            {
              address,
              statements: [
                Statement.parse({
                  Effect: 'Allow',
                  Action: given.Action,
                  Principal: { Service: given.Principal },
                }),
              ],
            },
          ]
        : [];
    const document = documents[resource.Type];
    if (document === undefined) return [];
    const isOf = stacks.references(stack, given[document.of]).some((found) => found.address === to);
    return isOf ? [{ address, statements: parse(given[document.policy]) }] : [];
  });
}

function undelivered(asked: Asked, delivery: Delivery): string[] {
  const { stacks, address } = asked;
  const { to, principal, action, first, source } = delivery;
  const letting = policiesOf(stacks, to).filter((policy) =>
    policy.statements.some((statement) => lets(asked, policy.address, statement, delivery)),
  );
  if (letting.length === 0)
    return [
      `needs ${principal} to be allowed ${action} by the policy of ${to}, which does not say so. Add a statement for the service. Why: ${source}.`,
    ];
  if (!first) return [];
  const there = stacks.before(address);
  if (letting.some((policy) => there.has(policy.address))) return [];
  return [
    `may be created before ${letting[0]?.address} allows ${principal} ${action}: let it depend on that policy. Why: ${source}.`,
  ];
}

function lets(
  { stacks, address, stack, properties }: Asked,
  policy: Address,
  { Effect, Action, Principal, Condition }: Statement,
  { principal, action }: Delivery,
): boolean {
  const [place = ''] = policy.split('/');
  const { Service } = z.looseObject({ Service: z.unknown() }).safeParse(Principal).data ?? {};
  const services = [Service].flat().map((service) => stacks.text(place, service));
  const allows = Action.some((one) => one === action || one === `${action.split(':')[0]}:*`);
  if (Effect !== 'Allow' || !allows || !services.includes(principal)) return false;
  // A source that is named is this resource, or a pattern that may hold it; a log group has to match the key's list.
  const sources = Object.values(Condition).flatMap((keys) =>
    [keys['aws:SourceArn'] ?? []].flat().map((source) => stacks.text(place, source)),
  );
  const groups = Object.values(Condition).flatMap((keys) =>
    [keys['kms:EncryptionContext:aws:logs:arn'] ?? []]
      .flat()
      .map((group) => stacks.text(place, group)),
  );
  const name = `arn:<AWS::Partition>:logs:<AWS::Region>:<AWS::AccountId>:log-group:${stacks.text(stack, properties.LogGroupName)}`;
  const isSource = (source: string): boolean =>
    !source.startsWith('<') || source === `<${address}.Arn>`;
  const isGroup = (pattern: string): boolean =>
    pattern.endsWith('*') ? name.startsWith(pattern.slice(0, -1)) : pattern === name;
  return (
    (sources.length === 0 || sources.some(isSource)) &&
    (groups.length === 0 || groups.some(isGroup))
  );
}
