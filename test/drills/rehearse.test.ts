import { FirstHour } from '../../cli/rehearsal/steps';
import { Person, type Ended } from './person';

/*
 * The first hour of an account, as a person types it, against an empty embedded cloud: bootstrap, deploy by the roles of
 * cdk bootstrap, labels, a run, an update to the other kind of endpoint, a promotion by force, verify, an update that is
 * rolled back, a redrive, destroy. Which steps there are, and what each has to show, is cli/rehearsal/steps.ts.
 */
const titles = new FirstHour('dev').steps.map(({ title }) => title);
let person: Person;
let ended: Ended;

beforeAll(async () => {
  person = await Person.arrive('rehearse');
  ended = await person.run(['rehearse', '--env', 'dev']).ended;
}, 1_800_000);

afterAll(() => person.leave(), 60_000);

test('every step holds', () => {
  const held = ended.output
    .split('\n')
    .flatMap((line) => /^✓ +.+? s {2}(.+)$/.exec(line)?.[1] ?? []);

  // All of the output where it does not: it says what happened, where, and what to do.
  expect([ended.code, ended.output]).toEqual([0, expect.stringMatching(/\d+ calls by \d+ roles/)]);
  expect(titles.filter((title) => !held.some((line) => line.startsWith(`${title}: `)))).toEqual([]);
});

test('every call of a role of the lake is covered by a check, and the table says which', () => {
  const table = ended.output.slice(ended.output.indexOf('  operation '));
  const [, roles = ''] = /^( {2}operation[^]*?)^user\/administrator$/m.exec(table) ?? [];

  expect(roles).toMatch(/^ModelOperatorRole$/m);
  expect(roles).toMatch(
    /sagemaker:CreateTrainingJob +service model, IAM here, key policy, policy simulation +same, iam:PassRole, .*kms:CreateGrant via sagemaker/,
  );
  expect(
    roles
      .split('\n')
      .filter((line) => /^ {2}\S/.test(line) && !/IAM here|key policy|checked by/.test(line)),
  ).toEqual([]);
});

test('nothing is left that serves; what is left is named with its price', () => {
  expect(ended.output).toMatch(/^ListEndpoints: nothing$/m);
  expect(ended.output).toMatch(/^ListStacks: CDKToolkit \(.*free.*\)$/m);
  expect(ended.output).toMatch(
    /^ListBuckets: cdk-hnb659fds-assets-\S+ \(.*\$0\.023 per GB and month\)$/m,
  );
});
