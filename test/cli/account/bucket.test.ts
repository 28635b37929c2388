import {
  CreateBucketCommand,
  ListBucketsCommand,
  PutBucketTaggingCommand,
} from '@aws-sdk/client-s3';
import {
  CreateStackCommand,
  DeleteStackCommand,
  DescribeStacksCommand,
} from '@aws-sdk/client-cloudformation';
import { bucketChecks, bucketFindings, type BucketFacts } from '../../../cli/account/bucket';
import { findLakeData } from '../../../cli/account/lake-data';
import type { Account } from '../../../cli/account/session';
import { clientsFor, type Connection } from '../../../session/clients';
import { lakeName, stackName } from '../../../infra/naming';
import { TestCloud, until } from '../../embedded/gateway/cloud';

const free: BucketFacts = {
  wanted: 'manan-data-lake-bucket',
  current: null,
  generatedPrefix: 'sentimentlake-dev-data-lakebucket',
  status: 404,
  isKept: false,
};
const generated = 'sentimentlake-dev-data-lakebucketb1d32e10-abc';

test.each<[string, Partial<BucketFacts>, RegExp | null]>([
  ['a free name', {}, null],
  ['no name', { wanted: null, status: null }, null],
  ['the name it has', { current: 'manan-data-lake-bucket', status: null }, null],
  ["CloudFormation's own, as it was", { wanted: null, current: generated, status: null }, null],
  ["somebody else's", { status: 403 }, /may belong to another account/],
  ['another region', { status: 301 }, /another region/],
  ['one of the account', { status: 200 }, /does not belong to this lake/],
  [
    'one that was kept',
    { status: 200, isKept: true },
    /an earlier destroy of dev kept[^]*--delete-data/,
  ],
  [
    'another name than it has',
    { current: 'other-bucket' },
    /empty bucket[^]*bucketName=other-bucket/,
  ],
  ['a name for one without', { current: generated }, /empty bucket[^]*remove the name/],
  ['no name for one with', { wanted: null, current: 'other-bucket' }, /bucketName=other-bucket/],
  ['no answer', { status: 500 }, /head-bucket/],
])('%s', (_, facts, says) => {
  const found = bucketFindings({ ...free, ...facts }, 'dev');

  const text = found.map(({ what, todo }) => `${what} ${todo}`).join();
  if (says === null) expect(found).toEqual([]);
  else expect(text).toMatch(says);
});

describe('in an account', () => {
  let cloud: TestCloud;
  let account: Account;

  beforeAll(async () => {
    cloud = await TestCloud.start();
    const connection: Connection = { ...cloud.client(), forcePathStyle: true };
    const clients = clientsFor(connection);
    account = {
      id: '000000000000',
      caller: 'root',
      region: 'us-east-1',
      endpoint: null,
      connection,
      clients,
    };
  }, 60_000);
  afterAll(() => cloud?.stop());

  const tagged = async (Bucket: string, environment: 'dev' | 'prod') => {
    const { s3 } = account.clients;
    await s3.send(new CreateBucketCommand({ Bucket }));
    const TagSet = [{ Key: 'application', Value: lakeName(environment) }];
    await s3.send(new PutBucketTaggingCommand({ Bucket, Tagging: { TagSet } }));
  };

  test('a free name is taken; one that a tear-down kept is not', async () => {
    expect(await bucketChecks(account, 'dev', 'manan-data-lake-bucket')).toEqual([]);
    await tagged('manan-data-lake-bucket', 'dev');

    const [kept] = await bucketChecks(account, 'dev', 'manan-data-lake-bucket');
    const [others] = await bucketChecks(account, 'prod', 'manan-data-lake-bucket');

    expect(kept?.what).toContain('an earlier destroy of dev kept');
    expect(others?.what).toContain('does not belong to this lake');
  });

  test('a bucket with a name of its own is found by its tag, and of one environment alone', async () => {
    await tagged('the-bucket-of-prod', 'prod');
    await tagged('sentimentlake-dev-data-lakeaccesslogsbucket-1', 'dev');
    const { Buckets = [] } = await account.clients.s3.send(new ListBucketsCommand({}));
    const names = async (environment: 'dev' | 'prod') =>
      (await findLakeData(account, environment)).map(({ bucket }) => bucket);

    expect(Buckets.length).toBeGreaterThan(2);
    expect(await names('dev')).toEqual(['manan-data-lake-bucket']);
    expect(await names('prod')).toEqual(['the-bucket-of-prod']);
  });

  test('another name than the stack has is refused', async () => {
    const { cloudFormation } = account.clients;
    const StackName = stackName('prod', 'Data');
    const Resources = {
      LakeBucketB1D32E10: { Type: 'AWS::S3::Bucket', Properties: { BucketName: 'named-of-prod' } },
    };
    await cloudFormation.send(
      new CreateStackCommand({ StackName, TemplateBody: JSON.stringify({ Resources }) }),
    );
    await until('the stack is there', async () => {
      const { Stacks } = await cloudFormation.send(new DescribeStacksCommand({ StackName }));
      return Stacks?.[0]?.StackStatus === 'CREATE_COMPLETE';
    });

    expect(await bucketChecks(account, 'prod', 'named-of-prod')).toEqual([]);
    expect((await bucketChecks(account, 'prod', 'another'))[0]?.level).toBe('error');
    expect((await bucketChecks(account, 'prod', null))[0]?.todo).toContain('named-of-prod');
    await cloudFormation.send(new DeleteStackCommand({ StackName }));
  });
});
