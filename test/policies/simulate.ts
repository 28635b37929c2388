import { createHash } from 'node:crypto';
import {
  createValidatedPolicy,
  validateIdentityPolicy,
  validateResourcePolicy,
} from '@cloud-copilot/iam-policy';
import { runSimulation } from '@cloud-copilot/iam-simulate';
import type { Simulation } from '@cloud-copilot/iam-simulate';
import type { Call, Context } from './calls';
import type { Policies, ResourceKind } from './granted';
import { ACCOUNT } from './template';
import type { Statement } from '../infra/synthesis';

/** Who calls, and what the account's IAM lets them do. */
export interface Principal {
  readonly arn: string;
  readonly statements: readonly Statement[];
}

export interface Request {
  readonly action: string;
  readonly resource: string;
  readonly context?: Context;
}

/** A principal whose own account lets it do anything: only a resource's policy can keep it out. */
export const administrator = (arn: string): Principal => ({
  arn,
  statements: [{ Effect: 'Allow', Action: ['*'], Resource: ['*'], Condition: {} }],
});

const roleName = (role: string) =>
  /^(Data|Forgetter|Analytics|RunReporter|Labeller|MachineLearning|ModelOperator|Serving|Crawl|Endpoint|Force).*Role$/.test(
    role,
  )
    ? `sentiment-lake-local-${role}`
    : role;

/** A role of the lake with the policies it has in `policies`. */
export const lakeRole = (role: string, { granted }: Policies): Principal => ({
  arn: `arn:aws:iam::${ACCOUNT}:role/${roleName(role)}`,
  statements: granted.filter((one) => one.role === role).map(({ statement }) => statement),
});

export const callAllowed = (call: Call, policies: Policies): Promise<boolean> =>
  isAllowed(lakeRole(call.role, policies), call, policies);

/** The policies of resources, and for sts:AssumeRole the trust policy of the role that is asked for. */
export type Guards = Pick<Policies, 'ofResources'> & { readonly trust?: readonly Statement[] };

/**
 * Whether AWS would allow a request: identity policies, and the policy of the bucket, key, queue, topic or role.
 * Throws when the simulator refuses the request, or passes over a condition key: an answer to another
 * question would look like an answer to this one.
 */
export async function isAllowed(
  { arn, statements }: Principal,
  { action, resource, context = {} }: Request,
  { ofResources, trust }: Guards,
): Promise<boolean> {
  const kind = kindOf(resource);
  const own =
    trust ??
    ofResources
      .filter((one) => one.kind === kind && (one.of === undefined || one.of === resource))
      .map(({ statement }) => statement);
  const concerned = own.filter((statement) => concerns(statement, action));
  const isService = arn.endsWith('.amazonaws.com');
  return answerTo({
    request: {
      principal: arn,
      action,
      resource: { resource, accountId: ACCOUNT },
      contextVariables: {
        'aws:SecureTransport': 'true',
        'aws:PrincipalIsAWSService': String(isService),
        ...(isService ? {} : { 'aws:PrincipalArn': arn }),
        ...Object.fromEntries(Object.entries(context).map(([name, value]) => [known(name), value])),
      },
    },
    identityPolicies: statements
      .filter((statement) => concerns(statement, action))
      .map((statement, index) => ({ name: String(index), policy: document([statement]) })),
    serviceControlPolicies: [],
    resourceControlPolicies: [],
    ...(concerned.length > 0 ? { resourcePolicy: document(concerned, trust !== undefined) } : {}),
  });
}

/**
 * Whether a statement's actions include this one. The others change no answer: without them a simulation is cheaper, and
 * one that was made before is found again when a statement about something else is taken away.
 */
function concerns({ Action, NotAction }: Statement, action: string): boolean {
  return NotAction === undefined ? includes(Action, action) : !includes(NotAction, action);
}

const includes = (patterns: readonly string[], action: string): boolean =>
  patterns.some((pattern) => patternOf(pattern).test(action));

const regexps = new Map<string, RegExp>();

/** IAM compares actions without case; `*` stands for any characters, `?` for one. */
function patternOf(pattern: string): RegExp {
  const found =
    regexps.get(pattern) ??
    new RegExp(`^${pattern.replaceAll('*', '.*').replaceAll('?', '.')}$`, 'i');
  regexps.set(pattern, found);
  return found;
}

const answers = new Map<string, Promise<boolean>>();

/** Simulated once: a table asks the same of one folder many times, and a statement taken away changes few answers. */
function answerTo(simulation: Simulation): Promise<boolean> {
  const key = createHash('sha256').update(JSON.stringify(simulation)).digest('base64');
  const known = answers.get(key) ?? simulate(simulation);
  answers.set(key, known);
  return known;
}

async function simulate(simulation: Simulation): Promise<boolean> {
  const { action, resource } = simulation.request;
  const found = await runSimulation(
    {
      ...simulation,
      identityPolicies: simulation.identityPolicies.map(({ name, policy }) => ({
        name,
        policy: validated(policy, validateIdentityPolicy),
      })),
      resourcePolicy:
        simulation.resourcePolicy && validated(simulation.resourcePolicy, validateResourcePolicy),
    },
    {},
  );
  if (found.resultType === 'error')
    throw new Error(`${action} on ${resource.resource}: ${JSON.stringify(found.errors)}`);
  const results = found.resultType === 'single' ? [found.result] : found.results;
  const ignored = results.flatMap(({ ignoredContextKeys = [] }) => ignoredContextKeys);
  if (ignored.length > 0) throw new Error(`${action} has no condition key ${ignored.join(', ')}`);
  return found.overallResult === 'Allowed';
}

const validatedOnes = new Map<string, ReturnType<typeof createValidatedPolicy>>();

/** The simulator validates a policy at every request; most of its time, where few policies answer thousands of them. */
function validated(policy: object, validate: typeof validateIdentityPolicy) {
  const key = `${validate.name} ${JSON.stringify(policy)}`;
  const found = validatedOnes.get(key) ?? createValidatedPolicy(policy, validate);
  validatedOnes.set(key, found);
  return found;
}

function kindOf(resource: string): ResourceKind | undefined {
  if (resource.startsWith('arn:aws:s3:::')) return 'bucket';
  if (resource.includes(':kms:')) return 'key';
  if (resource.includes(':sqs:')) return 'queue';
  if (resource.includes(':secretsmanager:')) return 'secret';
  return resource.includes(':sns:') ? 'topic' : undefined;
}

/** Only what IAM knows of a statement; an empty Condition or Sid would be refused. A trust policy names no resource. */
function document(statements: readonly Statement[], isTrust = false) {
  return {
    Version: '2012-10-17',
    Statement: statements.map(({ Effect, Action, NotAction, Resource, Principal, Condition }) => ({
      Effect,
      ...(NotAction === undefined ? { Action } : { NotAction }),
      ...(Principal === undefined ? {} : { Principal }),
      ...(isTrust ? {} : { Resource: Resource ?? ['*'] }),
      ...(Object.keys(Condition).length > 0 ? { Condition: renamed(Condition) } : {}),
    })),
  };
}

/**
 * The simulator passes over keys of an encryption context: in policies and calls alike, one that it knows and
 * that no policy of ours uses takes their place.
 */
const known = (name: string): string =>
  name.startsWith('kms:EncryptionContext:') ? 'kms:RequestAlias' : name;

const renamed = (condition: Statement['Condition']) =>
  Object.fromEntries(
    Object.entries(condition).map(([operator, keys]) => [
      operator,
      Object.fromEntries(Object.entries(keys).map(([name, value]) => [known(name), value])),
    ]),
  );
