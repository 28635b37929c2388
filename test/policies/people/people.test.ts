import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Settings } from '../../../infra/config';
import { stackName } from '../../../infra/naming';
import { Template } from 'aws-cdk-lib/assertions';
import { dataStack } from '../../infra/synthesis';
import { deployedLake, policiesOfTheLake } from '../granted';
import { administrator } from '../simulate';
import { ACCOUNT, Deployed } from '../template';
import { callsIn, commandNames, namesWithEnvironment, roleOf, type CommandCalls } from './commands';
import { pageOf, type Answers } from './page';
import {
  describeRefusal,
  documentOf,
  firstRefusal,
  meant,
  peopleIn,
  persons,
  withDocuments,
  type DeployedPeople,
  type Person,
} from './persons';
import { sentBy } from './sent';

/*
 * People at the command line: docs/permissions.md, "People and commands". What a command calls is compared with what its
 * code can send; then each person's policy document, with the policies that are deployed, answers whether they may.
 */
const WHERE = 'test/policies/people/commands.ts, callsIn()';
type InAccount = readonly (readonly [name: string, calls: CallsOf])[];
type CallsOf = Extract<CommandCalls, { calls: unknown }>['calls'];
const inAccount = (environment: 'dev' | 'prod'): InAccount =>
  Object.entries(callsIn(environment)).flatMap(([name, made]) =>
    'calls' in made ? [[name, made.calls] as const] : [],
  );
const table = new Map<string, CommandCalls>(Object.entries(callsIn('dev')));
const commands = inAccount('dev');
const meantFor = new Map<string, readonly (readonly Person[])[]>(Object.entries(meant));

describe('the table of calls', () => {
  /** Sent by every command that assumes a role, or that looks who calls: STS asks nothing for the latter. */
  const ofAll = ['sts:AssumeRole', 'sts:GetCallerIdentity'];

  test('has every command of the command line', () => {
    const missing = commandNames
      .filter((name) => !table.has(name))
      .map((name) => `${name}: say in ${WHERE} which calls it makes, and as whom`);
    const needless = [...table.keys()].filter((name) => !commandNames.includes(name));
    const embedded = [...table].flatMap(([name, made]) => ('embeddedOnly' in made ? [name] : []));
    const unmeant = commands
      .filter(([name]) => !meantFor.has(name))
      .map(([name]) => `${name}: say in test/policies/people/persons.ts, meant, who is to call it`);

    expect([missing, needless, unmeant]).toEqual([[], [], []]);
    expect(
      embedded
        .filter((name) => namesWithEnvironment.includes(name))
        .map((name) => `${name} has an environment: say in ${WHERE} what it calls in an account`),
    ).toEqual([]);
  });

  test.each(commands)('has what the code of %s can send, and no more', (name, calls) => {
    const { operations, people } = sentBy(name, Object.keys(roleOf));
    const known = new Set(calls.map(({ operation }) => operation));
    const roles = new Set(calls.map(({ as }) => as));
    const sent = [...operations].filter(([operation]) => !ofAll.includes(operation));

    expect([
      ...sent
        .filter(([operation]) => !known.has(operation))
        .map(([operation, place]) => `${place} can send ${operation}: add it to ${name}, ${WHERE}`),
      ...[...known]
        .filter((operation) => operation !== null && !ofAll.includes(operation))
        .filter((operation) => !operations.has(operation ?? ''))
        .map((operation) => `nothing of ${name} sends ${operation}: take it out of ${WHERE}`),
      ...Object.entries(roleOf).flatMap(([person, role]) =>
        people.has(person) === roles.has(role)
          ? []
          : [`${name} ${people.has(person) ? 'assumes' : 'never assumes'} ${role}: ${WHERE}`],
      ),
    ]).toEqual([]);
  });
});

const sets: readonly (readonly Person[])[] = [
  [],
  ...persons.map((person) => [person]),
  ...[...meantFor.values()].flat(),
];
const usersWith = (...wanted: readonly Person[]) => [
  ...new Set(
    sets
      .filter((together) => together.some((person) => wanted.includes(person)))
      .map((together) => withDocuments(together, 'prod').arn),
  ),
];
/** In production, where somebody has to be named: who shows what a run brought is an analyst, too. */
const named: Settings['people'] = {
  analysts: usersWith('analyst', 'operator'),
  labellers: usersWith('labeller'),
  forgetters: usersWith('forgetter'),
  forceGranters: usersWith('force-granter'),
};

let dev: DeployedPeople;
let shipped: DeployedPeople;
let prod: DeployedPeople;
beforeAll(() => {
  const inDev = deployedLake('dev');
  const inProd = deployedLake('prod');
  // The roles of people, bucket, key and secrets are the data stack's, which alone is made in a second.
  const withPeople = new Deployed({
    [stackName('prod', 'Data')]: Template.fromStack(dataStack('prod', { people: named })).toJSON(),
  });
  const { granted, ofResources, assets } = policiesOfTheLake(withPeople);
  const all = policiesOfTheLake(inProd);
  dev = peopleIn('dev', inDev, policiesOfTheLake(inDev));
  shipped = peopleIn('prod', inProd, all);
  prod = peopleIn('prod', withPeople, {
    granted: [...granted, ...all.granted],
    ofResources,
    assets,
  });
}, 300_000);

/** For who reads a failure: as whom, what, of what. */
const describeWhole = ({ as, action, resource }: CallsOf[number]): string =>
  `${action} on ${resource}${as === null ? '' : ` as ${as}`}`;

const refused = async (
  together: readonly Person[],
  calls: CallsOf,
  lake: DeployedPeople,
  { documents = lake.environment, say = describeWhole } = {},
): Promise<string | null> => {
  const call = await firstRefusal(withDocuments(together, documents), calls, lake);
  return call && say(call);
};

const describeSet = (together: readonly Person[]): string =>
  together.length === 0 ? 'somebody without a document' : together.join(' + ');

/** What is wrong with who may call a command: who is meant to has to be able to, and nobody else. */
async function wrongOf(name: string, calls: CallsOf, lake: DeployedPeople): Promise<string[]> {
  const combinations = meantFor.get(name) ?? [];
  const wrong: string[] = [];
  for (const together of combinations) {
    const refusal = await refused(together, calls, lake);
    if (refusal !== null)
      wrong.push(`${describeSet(together)} should be able to ${name}, and is refused ${refusal}`);
    // No document of these is needless.
    for (const left of together) {
      const others = together.filter((person) => person !== left);
      if ((await refused(others, calls, lake)) === null)
        wrong.push(`${describeSet(others)} can ${name}: ${left} is not needed for it`);
    }
  }
  for (const together of [[], ...persons.map((person) => [person])]) {
    const isMeant = combinations.some((one) => one.length === 1 && one[0] === together[0]);
    if (!isMeant && (await refused(together, calls, lake)) === null)
      wrong.push(`${describeSet(together)} can ${name}, and is not meant to`);
  }
  return wrong;
}

describe('who may', () => {
  test.each(commands)('%s in dev is who is meant to', async (name, calls) => {
    expect(await wrongOf(name, calls, dev)).toEqual([]);
  });

  test.each(inAccount('prod'))('%s in prod, once people are named there, too', async (...one) => {
    expect(await wrongOf(...one, prod)).toEqual([]);
  });

  test('an administrator of the account may call everything in dev', async () => {
    const admin = administrator(`arn:aws:iam::${ACCOUNT}:user/admin`);
    const wrong: string[] = [];
    for (const [name, calls] of commands) {
      const call = await firstRefusal(admin, calls, dev);
      if (call !== null) wrong.push(`${name} is refused ${describeWhole(call)}`);
    }

    expect(wrong).toEqual([]);
  });

  test('who is named in prod takes on the role without sts:AssumeRole, and nobody else does', async () => {
    const grants = callsIn('prod')['grant-force'];
    const own =
      'calls' in grants ? grants.calls.filter(({ action }) => action === 'sts:AssumeRole') : [];
    const without = (person: Person) => ({ ...withDocuments([person], 'prod'), statements: [] });

    expect(own.length).toBe(1);
    expect(await firstRefusal(without('force-granter'), own, prod)).toBeNull();
    expect(await firstRefusal(without('analyst'), own, prod)).toEqual(own[0]);
  });

  test('a document for dev opens nothing of prod', async () => {
    const opened: string[] = [];
    // Named in no list: a trust policy that names a user needs no document.
    for (const [name, calls] of inAccount('prod'))
      if ((await refused(persons, calls, prod, { documents: 'dev' })) === null) opened.push(name);

    expect(opened).toEqual([]);
  });
});

/** Each permission of each document, and the document without it. */
const permissions = persons.flatMap((person) =>
  documentOf(person, 'dev').flatMap(({ Sid = '', Action }, index) =>
    Action.map((action) => [person, Sid, action, index] as const),
  ),
);

test.each(permissions)(
  'without %s/%s %s a command that is meant for them is refused',
  async (person, _, action, index) => {
    const less = documentOf(person, 'dev').map((statement, at) =>
      at === index
        ? { ...statement, Action: statement.Action.filter((one) => one !== action) }
        : statement,
    );
    const kept = less.filter(({ Action }) => Action.length > 0);
    let needed = false;
    for (const [name, calls] of commands) {
      if (needed || !(meantFor.get(name) ?? []).flat().includes(person)) continue;
      const own = calls.filter((call) => call.as === null && call.action === action);
      for (const together of (meantFor.get(name) ?? []).filter((one) => one.includes(person))) {
        const others = withDocuments(
          together.filter((one) => one !== person),
          'dev',
        );
        const reduced = { arn: others.arn, statements: [...others.statements, ...kept] };
        needed ||= (await firstRefusal(reduced, own, dev)) !== null;
      }
    }

    expect(needed ? '' : `no command needs ${action} of policies/people/${person}.json`).toBe('');
  },
);

const page = readFileSync(join(__dirname, '..', '..', '..', 'docs', 'permissions.md'), 'utf8');

test('docs/permissions.md shows these answers', async () => {
  const answers: Answers = [];
  for (const [name, calls] of commands) {
    const byPerson = new Map<Person, string | null>();
    for (const person of persons)
      byPerson.set(person, await refused([person], calls, dev, { say: describeRefusal }));
    const admin = administrator(`arn:aws:iam::${ACCOUNT}:user/admin`);
    answers.push({
      name,
      byPerson,
      together: meantFor.get(name) ?? [],
      asShipped: (await firstRefusal(admin, calls, shipped)) === null,
    });
  }
  const text = pageOf(
    answers,
    [...table].flatMap(([name, made]) => ('embeddedOnly' in made ? [name] : [])),
  );

  // Not equal? Put the text that was expected between the two lines of the page.
  expect(page.split('<!-- people: begin -->\n')[1]?.split('<!-- people: end -->')[0]).toBe(text);
});
