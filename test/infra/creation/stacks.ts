import { z } from 'zod';
import { Statement } from '../synthesis';

const Resource = z.looseObject({
  Type: z.string(),
  Properties: z.record(z.string(), z.unknown()).default({}),
  DependsOn: z.union([z.array(z.string()), z.string().transform((one) => [one])]).default([]),
});
export type Resource = z.infer<typeof Resource>;

export const Template = z.looseObject({
  Resources: z.record(z.string(), Resource),
  Outputs: z.record(z.string(), z.looseObject({ Value: z.unknown() })).default({}),
});
type Template = z.infer<typeof Template>;

const Document = z.looseObject({ Statement: z.array(Statement) });
const GetAtt = z.tuple([z.string(), z.string()]);
const GetStackOutput = z.looseObject({ StackName: z.string(), OutputName: z.string() });
const Join = z.tuple([z.string(), z.array(z.unknown())]);

/** An intrinsic function and its argument; undefined for anything else. */
function callIn(node: object): { name: string; argument: unknown } | undefined {
  const [[name, argument] = ['', undefined], ...others] = Object.entries(node);
  const isCall = others.length === 0 && (name === 'Ref' || name.startsWith('Fn::'));
  return isCall ? { name, argument } : undefined;
}

/** A resource of one of the stacks: `SentimentLake-dev-Pipeline/UndeliveredSend4FBF056E`. */
export type Address = string;

/** A policy of a role, wherever it is written. */
export interface RolePolicy {
  /** The resource that brings it: the policy, or the role itself. */
  readonly address: Address;
  readonly role: Address;
  readonly statements: readonly Statement[];
}

/** Templates of one app, and in which order CloudFormation makes what is in them. */
export class Stacks {
  private readonly templates: ReadonlyMap<string, Template>;
  private readonly readFrom: ReadonlyMap<string, ReadonlySet<string>>;
  private readonly seen = new Map<Address, readonly Address[]>();
  readonly rolePolicies: readonly RolePolicy[];

  /** `templates` by stack name. */
  constructor(templates: Readonly<Record<string, unknown>>) {
    this.templates = new Map(
      Object.entries(templates).map(([name, template]) => [name, Template.parse(template)]),
    );
    this.readFrom = new Map(
      [...this.templates].map(([name, template]) => [
        name,
        new Set(
          [...JSON.stringify(template).matchAll(/"StackName":"([^"]+)"/g)].map(
            ([, other = '']) => other,
          ),
        ),
      ]),
    );
    this.rolePolicies = this.all().flatMap(({ address }) => this.policiesIn(address));
  }

  all(): { address: Address; resource: Resource }[] {
    return [...this.templates].flatMap(([stack, { Resources }]) =>
      Object.entries(Resources).map(([id, resource]) => ({ address: `${stack}/${id}`, resource })),
    );
  }

  at(address: Address): Resource {
    const [stack = '', id = ''] = address.split('/');
    const found = this.templates.get(stack)?.Resources[id];
    if (!found) throw new Error(`There is no ${address}`);
    return found;
  }

  /**
   * All that is there when CloudFormation begins to make a resource: what it depends on or refers to, whatever those
   * need, and every resource of the stacks that its stack reads outputs of.
   */
  before(address: Address): ReadonlySet<Address> {
    const [stack = ''] = address.split('/');
    const found = new Set<Address>();
    const open = [address];
    for (let next = open.pop(); next !== undefined; next = open.pop()) {
      const needed = this.needs(next).filter((other) => !found.has(other));
      for (const other of needed) found.add(other);
      open.push(...needed);
    }
    found.delete(address);
    for (const earlier of this.earlier(stack))
      for (const id of Object.keys(this.templates.get(earlier)?.Resources ?? {}))
        found.add(`${earlier}/${id}`);
    return found;
  }

  /** What a resource depends on or refers to in its own stack. */
  private needs(address: Address): readonly Address[] {
    const [stack = ''] = address.split('/');
    const { Properties, DependsOn } = this.at(address);
    const seen = this.seen.get(address) ?? [
      ...DependsOn.map((id) => `${stack}/${id}`),
      ...this.references(stack, Properties)
        .map(({ address: other }) => other)
        .filter((other) => other.startsWith(`${stack}/`)),
    ];
    this.seen.set(address, seen);
    return seen;
  }

  /** The stacks that a stack reads outputs of, and theirs: CloudFormation refuses to make it before them. */
  private earlier(stack: string): Set<string> {
    const found = new Set(this.readFrom.get(stack));
    for (const name of found) for (const before of this.readFrom.get(name) ?? []) found.add(before);
    return found;
  }

  /** The resources that a value refers to, through outputs of other stacks, too. */
  references(stack: string, node: unknown): { address: Address; attribute: string }[] {
    if (Array.isArray(node)) return node.flatMap((element) => this.references(stack, element));
    if (typeof node !== 'object' || node === null) return [];
    const { name, argument } = callIn(node) ?? {};
    if (name === 'Ref') return this.own(stack, z.string().parse(argument), 'Ref');
    if (name === 'Fn::GetAtt') return this.own(stack, ...GetAtt.parse(argument));
    if (name === 'Fn::GetStackOutput') return this.references(...this.output(argument));
    if (name === 'Fn::Sub')
      return [
        ...z
          .string()
          .parse(argument)
          .matchAll(/\$\{(\w+)(?:\.(\w+))?\}/g),
      ].flatMap(([, id = '', attribute]) => this.own(stack, id, attribute ?? 'Ref'));
    return Object.values(node).flatMap((value) => this.references(stack, value));
  }

  /** The stack that an output is of, and what it is. */
  private output(argument: unknown): [string, unknown] {
    const { StackName, OutputName } = GetStackOutput.parse(argument);
    return [StackName, this.templates.get(StackName)?.Outputs[OutputName]?.Value];
  }

  private own(stack: string, id: string, attribute: string) {
    const isOurs = this.templates.get(stack)?.Resources[id] !== undefined;
    return isOurs ? [{ address: `${stack}/${id}`, attribute }] : [];
  }

  /** A value as one text, with <address.attribute> for what only a deployment knows. */
  text(stack: string, node: unknown): string {
    if (typeof node !== 'object' || node === null) return String(node);
    const { name, argument } = callIn(node) ?? {};
    if (name === 'Fn::Join') {
      const [separator, parts] = Join.parse(argument);
      return parts.map((part) => this.text(stack, part)).join(separator);
    }
    if (name === 'Fn::GetStackOutput') return this.text(...this.output(argument));
    if (name !== 'Ref' && name !== 'Fn::GetAtt') return JSON.stringify(node);
    const [{ address, attribute } = { address: '', attribute: '' }] = this.references(stack, node);
    if (address === '') return name === 'Ref' ? `<${String(argument)}>` : JSON.stringify(node);
    // Ref of a topic, a state machine or a secret is its ARN.
    const isArn = /SNS::Topic|StepFunctions::StateMachine|SecretsManager::Secret$/.test(
      this.at(address).Type,
    );
    return `<${address}.${attribute === 'Ref' && isArn ? 'Arn' : attribute}>`;
  }

  private policiesIn(address: Address): RolePolicy[] {
    const [stack = ''] = address.split('/');
    const { Type, Properties } = this.at(address);
    if (Type === 'AWS::IAM::Role') {
      const inline = z
        .array(z.looseObject({ PolicyDocument: Document }))
        .parse(Properties.Policies ?? []);
      return inline.map(({ PolicyDocument: { Statement: statements } }) => ({
        address,
        role: address,
        statements,
      }));
    }
    if (!/^AWS::IAM::(Policy|ManagedPolicy|RolePolicy)$/.test(Type)) return [];
    const { Statement: statements } = Document.parse(Properties.PolicyDocument);
    return this.references(stack, Properties.Roles ?? Properties.RoleName).map(
      ({ address: role }) => ({ address, role, statements }),
    );
  }
}
