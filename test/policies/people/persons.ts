import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import type { EnvironmentName } from '../../../infra/config';
import { lakeName } from '../../../infra/naming';
import type { AccountEnvironment } from '../../../cli/account/session';
import { Statement } from '../../infra/synthesis';
import type { Policies } from '../granted';
import { isAllowed, type Principal } from '../simulate';
import { ACCOUNT, REGION, type Deployed } from '../template';
import type { CommandCall, CommandName } from './commands';

/** Whose policy document lies in `policies/people/<person>.json`. */
export const persons = [
  'administrator',
  'operator',
  'analyst',
  'labeller',
  'forgetter',
  'force-granter',
  'reproducer',
] as const;
export type Person = (typeof persons)[number];

/**
 * Whose documents a command is meant to need: each list is enough, all of it together. Commands that only the embedded
 * cloud knows are left out.
 */
export const meant: Partial<Record<CommandName, readonly (readonly Person[])[]>> = {
  run: [['operator']],
  retrain: [['operator']],
  backfill: [['operator']],
  replay: [['operator']],
  redrive: [['operator']],
  history: [['operator']],
  query: [['analyst'], ['operator']],
  sql: [['analyst'], ['operator']],
  predict: [['analyst']],
  models: [['analyst'], ['operator']],
  rollback: [['operator']],
  watch: [['analyst'], ['operator']],
  'import-labels': [['labeller']],
  label: [
    ['analyst', 'labeller'],
    ['operator', 'labeller'],
  ],
  console: [['operator', 'analyst', 'labeller']],
  'grant-force': [['force-granter']],
  reproduce: [
    ['analyst', 'labeller', 'reproducer'],
    ['operator', 'labeller', 'reproducer'],
  ],
  pretrain: [['labeller']],
  'import-tweets': [['operator', 'labeller']],
  forget: [['forgetter']],
  deploy: [['administrator']],
  destroy: [['administrator']],
  verify: [['administrator', 'operator', 'labeller', 'forgetter']],
};

const Document = z.looseObject({ Statement: z.array(Statement) });
const folder = join(__dirname, '..', '..', '..', 'policies', 'people');

/** A person's document, for an environment of an account. Throws on a placeholder that it does not know. */
export function documentText(
  person: Person,
  environment: EnvironmentName,
  { account, region }: { account: string; region: string },
): string {
  const values: Readonly<Record<string, string>> = {
    Account: account,
    Region: region,
    Environment: environment,
  };
  return readFileSync(join(folder, `${person}.json`), 'utf8').replace(
    /\$\{(\w+)\}/g,
    (placeholder, name: string) => {
      const value = values[name];
      if (value === undefined)
        throw new Error(
          `policies/people/${person}.json: ${placeholder} has no value. Known: ${Object.keys(values).join(', ')}`,
        );
      return value;
    },
  );
}

/** The statements of a person's document in the imagined account. */
export const documentOf = (person: Person, environment: AccountEnvironment): Statement[] =>
  Document.parse(
    JSON.parse(documentText(person, environment, { account: ACCOUNT, region: REGION })),
  ).Statement;

/** Somebody with these documents; each person is a user of the account. */
export const withDocuments = (
  together: readonly Person[],
  environment: AccountEnvironment,
): Principal => ({
  arn: `arn:aws:iam::${ACCOUNT}:user/${together.join('-') || 'somebody'}`,
  statements: together.flatMap((person) => documentOf(person, environment)),
});

/** What an environment's deployment says of people: policies of roles, of resources, and who may assume a role. */
export interface DeployedPeople {
  readonly environment: AccountEnvironment;
  readonly policies: Policies;
  /** By the role's name; none of a role that was not made. */
  readonly trusts: ReadonlyMap<string, Statement[]>;
}

export function peopleIn(
  environment: AccountEnvironment,
  deployed: Deployed,
  policies: Policies,
): DeployedPeople {
  const trusts = new Map(
    deployed
      .resources((type) => type === 'AWS::IAM::Role')
      .map(({ properties: { RoleName, AssumeRolePolicyDocument } }) => [
        typeof RoleName === 'string' ? RoleName : '',
        Document.parse(AssumeRolePolicyDocument).Statement,
      ]),
  );
  return { environment, policies, trusts };
}

/** As the roles of `cdk bootstrap` are trusted: by their account. */
const byTheAccount: Statement[] = [
  Statement.parse({
    Effect: 'Allow',
    Action: 'sts:AssumeRole',
    Principal: { AWS: `arn:aws:iam::${ACCOUNT}:root` },
  }),
];

/** The deployment tags what it makes: infra/app.ts. */
const isTagged = (resource: string) => /:(?:kms|secretsmanager):/.test(resource);

/** The first call that is refused, of those that the command needs; null where none is. */
export async function firstRefusal(
  person: Principal,
  calls: readonly CommandCall[],
  { environment, policies, trusts }: DeployedPeople,
): Promise<CommandCall | null> {
  for (const call of calls) {
    if (call.unless === 'may be refused') continue;
    const principal =
      call.as === null
        ? person
        : {
            arn: `arn:aws:iam::${ACCOUNT}:role/${lakeName(environment, call.as)}`,
            statements: policies.granted
              .filter(({ role }) => role === call.as)
              .map(({ statement }) => statement),
          };
    const context = {
      ...call.context,
      ...(isTagged(call.resource) && { 'aws:ResourceTag/application': lakeName(environment) }),
    };
    const role = call.resource.split(':role/')[1] ?? '';
    const ofRole =
      call.action === 'sts:AssumeRole'
        ? (trusts.get(role) ?? (role.startsWith('cdk-') ? byTheAccount : null))
        : undefined;
    // A role that was not made is refused as one that may not be assumed.
    if (ofRole === null) return call;
    const guards = call.unless === 'stacks are gone' ? [] : policies.ofResources;
    const allowed = await isAllowed(
      principal,
      { ...call, context },
      { ofResources: guards, ...(ofRole && { trust: ofRole }) },
    );
    if (!allowed) return call;
  }
  return null;
}

/** `AnalyticsRole` for a role that may not be assumed, and the action for everything else. */
export const describeRefusal = ({ action, resource }: CommandCall): string =>
  action === 'sts:AssumeRole' ? (/[A-Z]\w*Role$/.exec(resource)?.[0] ?? resource) : action;
