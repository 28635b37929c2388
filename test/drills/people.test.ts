import { AthenaClient, StartQueryExecutionCommand } from '@aws-sdk/client-athena';
import { KinesisClient, PutRecordsCommand } from '@aws-sdk/client-kinesis';
import {
  DeleteObjectCommand,
  GetObjectCommand,
  ListObjectsV2Command,
  PutBucketLifecycleConfigurationCommand,
  PutObjectCommand,
  S3Client,
} from '@aws-sdk/client-s3';
import {
  DeleteResourcePolicyCommand,
  GetSecretValueCommand,
  PutSecretValueCommand,
  SecretsManagerClient,
} from '@aws-sdk/client-secrets-manager';
import { PublishCommand, SNSClient } from '@aws-sdk/client-sns';
import { AssumeRoleCommand, STSClient } from '@aws-sdk/client-sts';
import {
  CreateAccessKeyCommand,
  CreateUserCommand,
  DeleteRolePolicyCommand,
  IAMClient,
  PutRolePolicyCommand,
  PutUserPolicyCommand,
} from '@aws-sdk/client-iam';
import { DescribeStacksCommand } from '@aws-sdk/client-cloudformation';
import { NodeHttpHandler } from '@smithy/node-http-handler';
import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { clientsFor, embedded, type Clients, type Connection } from '../../session/clients';
import { account, region } from '../../session/workspace';
import { peopleOf } from '../../session/people';
import type { Session } from '../../session/session';
import { runSql } from '../../cli/athena';
import { putCorpus, readCorpusFile } from '../../cli/pretrain';
import { describeRefused } from '../../cli/refused';
import { listExecutions } from '../../cli/run/launch';
import { documentText, type Person as Who } from '../policies/people/persons';
import { roleNames } from '../../infra/naming';
import { rootSecretOf } from '../../embedded/cloud/root-secret';
import { findOutputs, type Outputs } from '../../session/stack';
import { Person } from './person';

/*
 * A labeller and an analyst at a running lake: what their commands need is let through, and whatever was shown that a role
 * shared with functions could do is refused; so is what IAM policies that were made too wide would let them do.
 */
let person: Person;
let clients: Clients;
let outputs: Outputs;
let topic = '';
let stream = '';

const pause = (millis: number) => new Promise((done) => setTimeout(done, millis));
const roleArn = (name: string) => `arn:aws:iam::000000000000:role/sentiment-lake-local-${name}`;

async function as(role: string) {
  const { Credentials } = await clients.sts.send(
    new AssumeRoleCommand({ RoleArn: roleArn(role), RoleSessionName: 'drill' }),
  );
  const config = {
    ...embedded(`http://127.0.0.1:${person.port}`, rootSecretOf(person.home)),
    credentials: {
      accessKeyId: Credentials?.AccessKeyId ?? '',
      secretAccessKey: Credentials?.SecretAccessKey ?? '',
      sessionToken: Credentials?.SessionToken,
    },
  };
  return {
    s3: new S3Client(config),
    athena: new AthenaClient(config),
    secrets: new SecretsManagerClient(config),
    sns: new SNSClient(config),
    kinesis: new KinesisClient({ ...config, requestHandler: new NodeHttpHandler() }),
  };
}

/** The names of what was let through. */
async function letThrough(attempts: Record<string, () => Promise<unknown>>): Promise<string[]> {
  const through: string[] = [];
  for (const [name, attempt] of Object.entries(attempts)) {
    try {
      await attempt();
      through.push(name);
    } catch (error) {
      if (!(error instanceof Error && /^AccessDenied|^AuthorizationError/.test(error.name)))
        throw error;
    }
  }
  return through;
}

const put =
  (s3: S3Client, Key: string, Body = '{}') =>
  () =>
    s3.send(new PutObjectCommand({ Bucket: outputs.BucketName, Key, Body }));
const get = (s3: S3Client, Key: string) => () =>
  s3.send(new GetObjectCommand({ Bucket: outputs.BucketName, Key }));
const keysBelow = async (Prefix: string) =>
  (
    await clients.s3.send(new ListObjectsV2Command({ Bucket: outputs.BucketName, Prefix }))
  ).Contents?.map(({ Key = '' }) => Key) ?? [];

beforeAll(async () => {
  person = await Person.arrive('people');
  const up = person.run(['up']);
  for (let look = 0; !up.output().includes('Ctrl-C ends it') && look < 2400; look += 1)
    await pause(250);
  clients = clientsFor(embedded(`http://127.0.0.1:${person.port}`, rootSecretOf(person.home)));
  const found = await findOutputs(clients.cloudFormation, 'local');
  if (!found) throw new Error(up.output());
  outputs = found;
  const { Stacks = [] } = await clients.cloudFormation.send(
    new DescribeStacksCommand({ StackName: 'SentimentLake-local-Pipeline' }),
  );
  const output = (name: string) =>
    Stacks[0]?.Outputs?.find(({ OutputKey }) => OutputKey === name)?.OutputValue ?? '';
  topic = output('TopicArn');
  stream = output('StreamName');
}, 800_000);

afterAll(() => person.leave(), 60_000);

test('a night succeeds under the roles of functions', async () => {
  const { code, output } = await person.lake('run', '--max-tweets', '200');

  expect([code, output]).toEqual([0, expect.any(String)]);
  expect((await keysBelow('processed-data/audit/reports/')).length).toBe(1);
}, 900_000);

test('somebody whom IAM lets take on every role takes on those of people, and none of functions', async () => {
  const connection = embedded(`http://127.0.0.1:${person.port}`, rootSecretOf(person.home));
  const iam = new IAMClient(connection);
  await iam.send(new CreateUserCommand({ UserName: 'mallory' }));
  await iam.send(
    new PutUserPolicyCommand({
      UserName: 'mallory',
      PolicyName: 'all-roles',
      PolicyDocument: JSON.stringify({
        Version: '2012-10-17',
        Statement: [{ Effect: 'Allow', Action: 'sts:AssumeRole', Resource: '*' }],
      }),
    }),
  );
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: 'mallory' }));
  const sts = new STSClient({
    ...connection,
    credentials: {
      accessKeyId: AccessKey?.AccessKeyId ?? '',
      secretAccessKey: AccessKey?.SecretAccessKey ?? '',
    },
  });
  const taken: string[] = [];
  for (const role of roleNames) {
    try {
      await sts.send(new AssumeRoleCommand({ RoleArn: roleArn(role), RoleSessionName: 'mallory' }));
      taken.push(role);
    } catch (error) {
      if (!(error instanceof Error && /^AccessDenied/.test(error.name))) throw error;
    }
  }

  expect(taken).toEqual(['AnalyticsRole', 'LabellerRole']);
}, 60_000);

test('a labeller brings labels and a corpus, and neither reads nor changes anything else', async () => {
  const file = join(person.home, 'mine.csv');
  writeFileSync(file, 'text,label\nI adore this drill,positive\n');
  const imported = await person.lake('import-labels', file, '--yes');
  const { s3, secrets, kinesis, athena } = await as('LabellerRole');
  const [raw = ''] = await keysBelow('raw-data/tweets/');
  const [plan = ''] = await keysBelow('raw-data/plans/queries/');
  const [cleaned = ''] = await keysBelow('cleaned-data/tweets/');

  expect([imported.code, imported.output]).toEqual([0, expect.stringContaining('1 label')]);
  expect((await keysBelow('raw-data/labels/mine-')).length).toBe(1);
  expect([raw, plan, cleaned].filter((key) => key === '')).toEqual([]);
  expect(
    await letThrough({
      'the token': () =>
        secrets.send(new GetSecretValueCommand({ SecretId: outputs.TokenSecretArn })),
      'another token': () =>
        secrets.send(
          new PutSecretValueCommand({ SecretId: outputs.TokenSecretArn, SecretString: 'mine' }),
        ),
      'raw tweets': get(s3, raw),
      'cleaned tweets': get(s3, cleaned),
      'a plan': get(s3, plan),
      'writing that plan': put(s3, plan),
      'the list of what is forgotten': put(s3, 'raw-data/plans/forgotten.json'),
      'the lock': put(s3, 'raw-data/plans/lock.json'),
      'the lease of the ingest': put(s3, 'raw-data/plans/ingest-lease.json'),
      'a grant of force': put(s3, 'raw-data/plans/force-grants/a.json'),
      'deleting labels': () =>
        s3.send(
          new DeleteObjectCommand({ Bucket: outputs.BucketName, Key: 'raw-data/labels/a.ndjson' }),
        ),
      'the stream': () =>
        kinesis.send(
          new PutRecordsCommand({
            StreamName: stream,
            Records: [{ Data: Buffer.from('{}'), PartitionKey: 'a' }],
          }),
        ),
      'a question': () =>
        athena.send(
          new StartQueryExecutionCommand({
            QueryString: 'select 1',
            WorkGroup: outputs.AnalystsWorkgroupName,
          }),
        ),
    }),
  ).toEqual([]);
}, 120_000);

test('an analyst asks, and can forge nothing of a run', async () => {
  const asked = await person.lake('sql', 'select count(*) as n from tweets');
  const answered = await person.lake('query', 'rows_per_day');
  const label = await person.lake('label');
  const { s3, sns, athena, secrets } = await as('AnalyticsRole');
  const [history = ''] = await keysBelow('processed-data/audit/executions/');
  const [result = ''] = await keysBelow('processed-data/query-results/runs/');
  const [own = ''] = await keysBelow('processed-data/query-results/analysts/');

  expect([asked.code, asked.output]).toEqual([0, expect.stringContaining('(1 row)')]);
  expect([answered.code, label.code]).toEqual([0, 0]);
  expect(label.output).toMatch(/\d+ texts without a label/);
  expect([history, result, own].filter((key) => key === '')).toEqual([]);
  expect(
    await letThrough({
      'a history': put(s3, history),
      'a history that is new': () =>
        s3.send(
          new PutObjectCommand({
            Bucket: outputs.BucketName,
            Key: 'processed-data/audit/executions/forged-0.json',
            Body: '{}',
            IfNoneMatch: '*',
          }),
        ),
      'the lock': put(s3, 'raw-data/plans/lock.json', '{"heldUntil":"2099-01-01"}'),
      'results of a run': put(s3, result),
      'reading them': get(s3, result),
      'a mail to everybody': () =>
        sns.send(new PublishCommand({ TopicArn: topic, Message: 'from sentiment-lake' })),
      'the workgroup of runs': () =>
        athena.send(
          new StartQueryExecutionCommand({
            QueryString: 'select 1',
            WorkGroup: outputs.WorkgroupName,
          }),
        ),
      'the token': () =>
        secrets.send(new GetSecretValueCommand({ SecretId: outputs.TokenSecretArn })),
      labels: put(s3, 'raw-data/labels/forged.ndjson'),
    }),
  ).toEqual([]);
  expect(await letThrough({ 'a result of their own': get(s3, own) })).toEqual([
    'a result of their own',
  ]);
}, 240_000);

/** A user of the embedded cloud with these documents, and the session in which the commands would work for them. */
async function userWith(name: string, documents: readonly Who[]): Promise<Session> {
  const connection = embedded(`http://127.0.0.1:${person.port}`, rootSecretOf(person.home));
  const iam = new IAMClient(connection);
  await iam.send(new CreateUserCommand({ UserName: name }));
  for (const PolicyName of documents)
    await iam.send(
      new PutUserPolicyCommand({
        UserName: name,
        PolicyName,
        PolicyDocument: documentText(PolicyName, 'local', { account, region }),
      }),
    );
  const { AccessKey } = await iam.send(new CreateAccessKeyCommand({ UserName: name }));
  const own: Connection = {
    ...connection,
    credentials: {
      accessKeyId: AccessKey?.AccessKeyId ?? '',
      secretAccessKey: AccessKey?.SecretAccessKey ?? '',
    },
  };
  const ofUser = clientsFor(own);
  return {
    environment: 'local',
    region,
    endpoint: own.endpoint ?? null,
    connection: own,
    clients: ofUser,
    people: peopleOf(own, ofUser.sts, outputs, 'local'),
    outputs,
    usesXStub: true,
    close: async () => undefined,
  };
}

test('each person does with their document what is theirs, and is refused what is another’s', async () => {
  const lake = { signal: new AbortController().signal };
  const analyst = await userWith('ann', ['analyst']);
  const labeller = await userWith('lars', ['labeller']);
  const operator = await userWith('olga', ['operator']);
  const granter = await userWith('greta', ['force-granter']);
  const somebody = await userWith('sam', []);
  const file = join(person.home, 'corpus.jsonl');
  writeFileSync(file, '{"task":"mood","text":"I adore corpora","label":"joy"}\n');
  const corpus = readCorpusFile(file);
  const grant = (session: Session) =>
    session.people.forceGranter.secrets.send(
      new PutSecretValueCommand({
        SecretId: outputs.ForceGrantSecretArn,
        SecretString: '{"reason":"a drill of documents"}',
      }),
    );
  const ask = (session: Session) => runSql(lake, session, 'select 1 as one');
  const refusal = async (attempt: Promise<unknown>): Promise<string> =>
    attempt.then(
      () => 'was let through',
      (error: unknown) => describeRefused(error) ?? String(error),
    );

  // Each finds the pipeline under their own name, as every command does.
  for (const session of [analyst, labeller, operator, granter])
    expect(await findOutputs(session.clients.cloudFormation, 'local')).toEqual(outputs);
  expect((await ask(analyst)).rows).toEqual([['1']]);
  expect((await ask(operator)).rows).toEqual([['1']]);
  expect(await putCorpus(labeller, corpus)).toBe(true);
  expect(await listExecutions(operator)).toEqual(expect.any(Array));
  expect((await grant(granter)).VersionId).toMatch(/./);

  expect(await refusal(ask(labeller))).toMatch(/may not assume .*AnalyticsRole.*people` in infra/);
  expect(await refusal(putCorpus(analyst, corpus))).toMatch(/may not assume .*LabellerRole/);
  expect(await refusal(grant(operator))).toMatch(/may not assume .*ForceGranterRole/);
  for (const session of [analyst, labeller, granter])
    expect(await refusal(listExecutions(session))).toMatch(
      /AWS refused it: .*states:ListExecutions[^]*docs\/permissions.md/,
    );
  expect(await refusal(findOutputs(somebody.clients.cloudFormation, 'local'))).toMatch(
    /AWS refused it: .*user\/sam.*cloudformation:DescribeStacks[^]*docs\/permissions.md/,
  );
}, 120_000);

test('policies made too wide undo neither the guard of the bucket nor that of the secrets', async () => {
  const iam = new IAMClient(embedded(`http://127.0.0.1:${person.port}`, rootSecretOf(person.home)));
  const wide = {
    RoleName: 'sentiment-lake-local-AnalyticsRole',
    PolicyName: 'much-too-wide',
  };
  const statement = { Effect: 'Allow', Action: ['s3:*', 'secretsmanager:*'], Resource: '*' };
  await iam.send(
    new PutRolePolicyCommand({
      ...wide,
      PolicyDocument: JSON.stringify({ Version: '2012-10-17', Statement: [statement] }),
    }),
  );
  const { s3, secrets } = await as('AnalyticsRole');
  const [history = ''] = await keysBelow('processed-data/audit/executions/');
  const Bucket = outputs.BucketName;

  const through = await letThrough({
    'replacing a history': put(s3, history),
    'deleting a history': () => s3.send(new DeleteObjectCommand({ Bucket, Key: history })),
    'a rule that deletes everything': () =>
      s3.send(
        new PutBucketLifecycleConfigurationCommand({
          Bucket,
          LifecycleConfiguration: {
            Rules: [{ ID: 'gone', Status: 'Enabled', Filter: {}, Expiration: { Days: 1 } }],
          },
        }),
      ),
    'the token': () =>
      secrets.send(new GetSecretValueCommand({ SecretId: outputs.TokenSecretArn })),
    'the policy of the grant of force': () =>
      secrets.send(new DeleteResourcePolicyCommand({ SecretId: outputs.ForceGrantSecretArn })),
    'a grant of force': () =>
      secrets.send(
        new PutSecretValueCommand({
          SecretId: outputs.ForceGrantSecretArn,
          SecretString: '{"reason":"because I can"}',
        }),
      ),
  });
  await iam.send(new DeleteRolePolicyCommand(wide));

  expect(through).toEqual([]);
}, 60_000);
