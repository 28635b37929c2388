import {
  CreateCrawlerCommand,
  CreateDatabaseCommand,
  CreateTableCommand,
  DeleteCrawlerCommand,
  GetCrawlerCommand,
  GetPartitionsCommand,
  GlueClient,
  ListCrawlsCommand,
  StartCrawlerCommand,
  StopCrawlerCommand,
} from '@aws-sdk/client-glue';
import type { DeleteBehavior } from '@aws-sdk/client-glue';
import { DeleteObjectCommand } from '@aws-sdk/client-s3';
import { allow, BUCKET, TestCloud, until } from '../cloud';

let cloud: TestCloud;
let glue: GlueClient;
let roleArn: string;

beforeAll(async () => {
  cloud = await TestCloud.start();
  glue = new GlueClient(cloud.client());
  roleArn = await cloud.role('Crawls', 'glue.amazonaws.com', [
    allow([
      'glue:GetTable',
      'glue:GetPartitions',
      'glue:BatchCreatePartition',
      'glue:DeletePartition',
    ]),
    allow(['s3:ListBucket'], [`arn:aws:s3:::${BUCKET}`]),
  ]);
  await glue.send(new CreateDatabaseCommand({ DatabaseInput: { Name: 'db' } }));
});
afterAll(() => cloud.stop());

/** A table partitioned by `dt`, and a crawler of the same name for it. */
async function tableAndCrawler(
  name: string,
  deleteBehavior: DeleteBehavior = 'LOG',
  role = roleArn,
): Promise<void> {
  await glue.send(
    new CreateTableCommand({
      DatabaseName: 'db',
      TableInput: {
        Name: name,
        PartitionKeys: [{ Name: 'dt', Type: 'string' }],
        StorageDescriptor: {
          Location: `s3://${BUCKET}/${name}/`,
          Columns: [{ Name: 'id', Type: 'string' }],
          SerdeInfo: { SerializationLibrary: 'org.openx.data.jsonserde.JsonSerDe' },
        },
      },
    }),
  );
  await glue.send(
    new CreateCrawlerCommand({
      Name: name,
      Role: role,
      Targets: { CatalogTargets: [{ DatabaseName: 'db', Tables: [name] }] },
      SchemaChangePolicy: { DeleteBehavior: deleteBehavior },
    }),
  );
}

/** Starts a crawler, waits until it is READY, and answers how the crawl ended. */
async function crawl(name: string) {
  await glue.send(new StartCrawlerCommand({ Name: name }));
  const ready = await until('the crawler is ready', async () => {
    const { Crawler } = await glue.send(new GetCrawlerCommand({ Name: name }));
    return Crawler?.State === 'READY' && Crawler;
  });
  return ready.LastCrawl;
}

async function partitions(name: string) {
  const { Partitions = [] } = await glue.send(
    new GetPartitionsCommand({ DatabaseName: 'db', TableName: name }),
  );
  return Partitions;
}

test('a crawl registers one partition per folder, with the columns and format of its table', async () => {
  await tableAndCrawler('tweets');
  await cloud.put('tweets/dt=2026-11-01/a.json', '{}');
  await cloud.put('tweets/dt=2026-11-01/b.json', '{}');
  await cloud.put('tweets/dt=2026-11-02/a.json', '{}');
  await cloud.put('tweets/dt=2026-11-03/_temporary/a.json', '{}');
  await cloud.put('tweets/readme.txt', 'not a partition');

  const before = Date.now();
  const last = await crawl('tweets');

  expect(last).toMatchObject({ Status: 'SUCCEEDED' });
  expect(last?.StartTime?.getTime()).toBeGreaterThanOrEqual(before - 1);
  const found = await partitions('tweets');
  expect(found.map(({ Values }) => Values)).toEqual([['2026-11-01'], ['2026-11-02']]);
  expect(found[0]?.StorageDescriptor).toMatchObject({
    Location: `s3://${BUCKET}/tweets/dt=2026-11-01/`,
    Columns: [{ Name: 'id', Type: 'string' }],
    SerdeInfo: { SerializationLibrary: 'org.openx.data.jsonserde.JsonSerDe' },
  });
});

test('a second crawl adds only what is new, and each crawl is listed', async () => {
  await tableAndCrawler('growing');
  await cloud.put('growing/dt=2026-11-01/a.json', '{}');
  await crawl('growing');
  await cloud.put('growing/dt=2026-11-02/a.json', '{}');

  await crawl('growing');

  expect(await partitions('growing')).toHaveLength(2);
  const { Crawls = [] } = await glue.send(new ListCrawlsCommand({ CrawlerName: 'growing' }));
  expect(
    Crawls.map(({ State, Summary }) => [
      State,
      JSON.parse(JSON.parse(Summary ?? '').PARTITION).ADD,
    ]),
  ).toEqual([
    ['COMPLETED', 1],
    ['COMPLETED', 1],
  ]);
});

test.each([
  ['DELETE_FROM_DATABASE', 0],
  ['LOG', 1],
] as const)(
  'with the policy %s a partition without objects leaves %d behind',
  async (policy, left) => {
    const name = `shrinking_${policy.toLowerCase()}`;
    await tableAndCrawler(name, policy);
    await cloud.put(`${name}/dt=2026-11-01/a.json`, '{}');
    await crawl(name);
    await cloud
      .s3()
      .send(new DeleteObjectCommand({ Bucket: BUCKET, Key: `${name}/dt=2026-11-01/a.json` }));

    await crawl(name);

    expect(await partitions(name)).toHaveLength(left);
  },
);

test('a crawler whose role may not list the bucket fails with the reason', async () => {
  const role = await cloud.role('CrawlsNothing', 'glue.amazonaws.com', [allow(['glue:*'])]);
  await tableAndCrawler('closed', 'LOG', role);

  const last = await crawl('closed');

  expect(last).toMatchObject({
    Status: 'FAILED',
    ErrorMessage: expect.stringMatching(/could not list s3:\/\/lake\/closed\/.*s3:ListBucket/),
  });
});

test('a role that Glue may not assume fails the crawl', async () => {
  await tableAndCrawler(
    'untrusting',
    'LOG',
    await cloud.role('ForLambda', 'lambda.amazonaws.com', [allow(['*'])]),
  );

  expect(await crawl('untrusting')).toMatchObject({
    Status: 'FAILED',
    ErrorMessage: expect.stringContaining('does not allow glue.amazonaws.com'),
  });
});

test('a crawler that runs cannot be started again, and one that does not run cannot be stopped', async () => {
  await tableAndCrawler('busy');
  await expect(glue.send(new StopCrawlerCommand({ Name: 'busy' }))).rejects.toMatchObject({
    name: 'CrawlerNotRunningException',
  });

  const starts = await Promise.allSettled(
    [1, 2].map(() => glue.send(new StartCrawlerCommand({ Name: 'busy' }))),
  );

  expect(starts.filter(({ status }) => status === 'fulfilled')).toHaveLength(1);
  expect(starts).toContainEqual({
    status: 'rejected',
    reason: expect.objectContaining({ name: 'CrawlerRunningException' }),
  });
});

test('a crawler that does not exist is said not to', async () => {
  await expect(glue.send(new StartCrawlerCommand({ Name: 'nobody' }))).rejects.toMatchObject({
    name: 'EntityNotFoundException',
  });
});

test('a deleted crawler is gone for the gateway, too', async () => {
  await tableAndCrawler('short_lived');
  await glue.send(new DeleteCrawlerCommand({ Name: 'short_lived' }));

  await expect(glue.send(new GetCrawlerCommand({ Name: 'short_lived' }))).rejects.toMatchObject({
    name: 'EntityNotFoundException',
  });
});

test('a person without the permission is refused in the words of AWS', async () => {
  await tableAndCrawler('guarded');
  const stranger = new GlueClient(await cloud.person('stranger', [allow(['glue:GetCrawler'])]));

  await stranger.send(new GetCrawlerCommand({ Name: 'guarded' }));
  const refused = stranger.send(new StartCrawlerCommand({ Name: 'guarded' }));

  await expect(refused).rejects.toMatchObject({
    name: 'AccessDeniedException',
    message:
      'User: arn:aws:iam::000000000000:user/stranger is not authorized to perform: glue:StartCrawler on resource: ' +
      'arn:aws:glue:us-east-1:000000000000:crawler/guarded because no identity-based policy allows the glue:StartCrawler action',
  });
});

test('a key that nobody has is refused', async () => {
  const unknown = new GlueClient(
    cloud.client({ accessKeyId: 'AKIAUNKNOWN000000000', secretAccessKey: 'x' }),
  );

  await expect(unknown.send(new StartCrawlerCommand({ Name: 'tweets' }))).rejects.toMatchObject({
    name: 'UnrecognizedClientException',
  });
});
