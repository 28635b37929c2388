import { GetWorkGroupCommand } from '@aws-sdk/client-athena';
import {
  DeleteObjectCommand,
  GetBucketEncryptionCommand,
  GetBucketVersioningCommand,
  GetObjectCommand,
  GetPublicAccessBlockCommand,
  HeadObjectCommand,
  ListObjectVersionsCommand,
  ListObjectsV2Command,
  PutObjectCommand,
  S3Client,
  type PutObjectCommandInput,
} from '@aws-sdk/client-s3';
import { DescribeSecretCommand } from '@aws-sdk/client-secrets-manager';
import { datasets, prefixes, resultPrefixes } from '../../../workflows/datasets';
import { runSql } from '../../athena';
import type { Check, Subject } from './check';

const sampled = 5;

/**
 * The prefixes to check, each with the role to use: the bucket's policy denies people under their own names. Only
 * ForgetterRole may read raw tweets and plans, and only by version.
 */
const places = ({ session: { people } }: Subject) => [
  { prefix: datasets.raw_tweets.prefix, s3: people.forgetter.s3, newest: newestVersions },
  { prefix: prefixes.plans, s3: people.forgetter.s3, newest: newestVersions },
  { prefix: datasets.labels.prefix, s3: people.labeller.s3, newest },
  { prefix: datasets.tweets.prefix, s3: people.analyst.s3, newest },
  { prefix: datasets.scored.prefix, s3: people.analyst.s3, newest },
  { prefix: resultPrefixes.analysts, s3: people.analyst.s3, newest },
  { prefix: prefixes.audit, s3: people.analyst.s3, newest },
];

interface Sample {
  Key: string;
  VersionId?: string;
}

async function newest(s3: S3Client, Bucket: string, Prefix: string): Promise<Sample[]> {
  const { Contents = [] } = await s3.send(new ListObjectsV2Command({ Bucket, Prefix }));
  return Contents.sort((a, b) => Number(b.LastModified) - Number(a.LastModified))
    .slice(0, sampled)
    .map(({ Key = '' }) => ({ Key }));
}

async function newestVersions(s3: S3Client, Bucket: string, Prefix: string): Promise<Sample[]> {
  const { Versions = [] } = await s3.send(new ListObjectVersionsCommand({ Bucket, Prefix }));
  return Versions.filter(({ IsLatest }) => IsLatest)
    .sort((a, b) => Number(b.LastModified) - Number(a.LastModified))
    .slice(0, sampled)
    .map(({ Key = '', VersionId }) => ({ Key, VersionId }));
}

export const encryptedObjects: Check = {
  name: 'objects are encrypted with the key',
  look: async (subject) => {
    const { session, keyArn } = subject;
    const Bucket = session.outputs.BucketName;
    const heads = [];
    const problems: string[] = [];
    for (const { prefix, s3, newest: samplesBelow } of places(subject)) {
      const samples = await samplesBelow(s3, Bucket, prefix);
      if (samples.length === 0) problems.push(`${prefix} has no objects to check`);
      for (const { Key, VersionId } of samples) {
        const { ServerSideEncryption, SSEKMSKeyId, BucketKeyEnabled } = await s3.send(
          new HeadObjectCommand({ Bucket, Key, VersionId }),
        );
        heads.push({ Key, ServerSideEncryption, SSEKMSKeyId, BucketKeyEnabled });
        if (ServerSideEncryption !== 'aws:kms' || SSEKMSKeyId !== keyArn) {
          problems.push(
            `${Key} is encrypted with ${ServerSideEncryption ?? 'nothing'}, ${SSEKMSKeyId ?? 'no key'}`,
          );
        }
      }
    }
    return {
      saw: `${heads.length} objects below ${places(subject).length} prefixes, all aws:kms under ${keyArn}`,
      problems,
      evidence: heads,
    };
  },
};

export const bucketDefaults: Check = {
  name: 'the bucket encrypts with the key, versions and is closed',
  look: async ({ session: { clients, outputs }, keyArn }) => {
    const Bucket = outputs.BucketName;
    const [
      { ServerSideEncryptionConfiguration },
      { Status },
      { PublicAccessBlockConfiguration: block },
    ] = await Promise.all([
      clients.s3.send(new GetBucketEncryptionCommand({ Bucket })),
      clients.s3.send(new GetBucketVersioningCommand({ Bucket })),
      clients.s3.send(new GetPublicAccessBlockCommand({ Bucket })),
    ]);
    const rule = ServerSideEncryptionConfiguration?.Rules?.[0]?.ApplyServerSideEncryptionByDefault;
    const isClosed =
      block?.BlockPublicAcls &&
      block.BlockPublicPolicy &&
      block.IgnorePublicAcls &&
      block.RestrictPublicBuckets;
    const problems = [
      ...(rule?.SSEAlgorithm === 'aws:kms' && rule.KMSMasterKeyID === keyArn
        ? []
        : [`its default encryption is ${JSON.stringify(rule)}`]),
      ...(Status === 'Enabled' ? [] : [`versioning is ${Status ?? 'off'}`]),
      ...(isClosed ? [] : ['public access is not blocked']),
    ];
    return {
      saw: `${Bucket}: aws:kms with the key, versioned, closed to the public`,
      problems,
      evidence: { rule, Status, block },
    };
  },
};

const isDenied = (error: unknown): error is Error =>
  error instanceof Error && /^AccessDenied/.test(error.name);

type Attempt = {
  what: string;
  s3: S3Client;
  headers: Partial<PutObjectCommandInput>;
  mustBeDenied: boolean;
};

/** Tries a write. Returns AWS's error, or null when the write succeeded. */
async function refusalOf(
  { s3, headers }: Attempt,
  Bucket: string,
  Key: string,
): Promise<string | null> {
  try {
    await s3.send(new PutObjectCommand({ Bucket, Key, Body: '{}', ...headers }));
  } catch (error) {
    if (isDenied(error)) return error.message;
    throw error;
  }
  return null;
}

/** Below the imports, which expire. No run imports an object of this name. */
const probe = `${prefixes.imports}verify/probe.json`;

export const refusedPuts: Check = {
  name: 'wrong writes are refused',
  look: async ({ session }) => {
    const { clients, people, outputs } = session;
    const other = 'arn:aws:kms:us-east-1:111122223333:key/00000000-0000-0000-0000-000000000000';
    const role = people.labeller.s3;
    const attempts: Attempt[] = [
      { what: 'header-less, as LabellerRole', s3: role, headers: {}, mustBeDenied: false },
      { what: 'AES256', s3: role, headers: { ServerSideEncryption: 'AES256' }, mustBeDenied: true },
      {
        what: 'aws:kms without a key',
        s3: role,
        headers: { ServerSideEncryption: 'aws:kms' },
        mustBeDenied: true,
      },
      {
        what: "somebody else's key",
        s3: role,
        headers: { ServerSideEncryption: 'aws:kms', SSEKMSKeyId: other },
        mustBeDenied: true,
      },
    ];
    // The policy exempts root, so that a mistake in it can be fixed. The embedded cloud has no other person.
    if (session.endpoint === null)
      attempts.push({
        what: "under the person's own name",
        s3: clients.s3,
        headers: {},
        mustBeDenied: true,
      });
    const evidence = [];
    const problems: string[] = [];
    for (const attempt of attempts) {
      const refusal = await refusalOf(attempt, outputs.BucketName, probe);
      evidence.push({ write: attempt.what, key: probe, refusal });
      if (attempt.mustBeDenied === (refusal === null))
        problems.push(`${attempt.what}: ${refusal ?? 'was accepted'}`);
    }
    const own =
      session.endpoint === null
        ? ''
        : "; a write under the person's own name was not tried: here that is root, which the policy exempts";
    return {
      saw: `${attempts.length - 1} wrong writes refused, a correct one accepted${own}`,
      problems,
      evidence,
    };
  },
};

export const rolesKeepToTheirFolders: Check = {
  name: 'roles keep to their folders',
  look: async ({ session: { people, outputs } }) => {
    const Bucket = outputs.BucketName;
    const [sample] = await newest(people.analyst.s3, Bucket, datasets.tweets.prefix);
    if (!sample) throw new Error('there are no cleaned tweets to check');
    const cleaned = sample.Key;
    // AWS denies the call whether or not the object exists.
    const raw = `${datasets.raw_tweets.prefix}verify.ndjson.gz`;
    const put = (s3: S3Client, Key: string) => () =>
      s3.send(new PutObjectCommand({ Bucket, Key, Body: '{}' }));
    const attempts = [
      {
        who: 'AnalyticsRole',
        what: `reads ${raw}`,
        send: () => people.analyst.s3.send(new GetObjectCommand({ Bucket, Key: raw })),
      },
      {
        who: 'AnalyticsRole',
        what: `deletes ${cleaned}`,
        send: () =>
          people.analyst.s3.send(new DeleteObjectCommand({ Bucket, Key: `${cleaned}.verify` })),
      },
      {
        who: 'AnalyticsRole',
        what: `writes below ${prefixes.audit}`,
        send: put(people.analyst.s3, `${prefixes.audit}executions/verify.json`),
      },
      {
        who: 'AnalyticsRole',
        what: `writes below ${resultPrefixes.runs}`,
        send: put(people.analyst.s3, `${resultPrefixes.runs}verify.csv`),
      },
      {
        who: 'LabellerRole',
        what: `reads ${cleaned}`,
        send: () => people.labeller.s3.send(new GetObjectCommand({ Bucket, Key: cleaned })),
      },
      {
        who: 'LabellerRole',
        what: `writes below ${prefixes.plans}`,
        send: put(people.labeller.s3, `${prefixes.plans}verify.json`),
      },
    ];
    const evidence = [];
    for (const { who, what, send } of attempts) {
      const refusal = await send().then(
        () => null,
        (error: unknown) => (isDenied(error) ? error.message : Promise.reject(error)),
      );
      evidence.push({ who, what, refusal });
    }
    const problems = evidence
      .filter(({ refusal }) => refusal === null)
      .map(({ who, what }) => `${who} ${what}`);
    return { saw: `${evidence.length} calls outside a role's folders refused`, problems, evidence };
  },
};

export const tlsOnly: Check = {
  name: 'plain http is refused',
  notLocally: 'it uses plain http, and its policies treat that as secure',
  look: async ({ session: { people, outputs, region } }) => {
    const suffix = region.startsWith('cn-') ? 'amazonaws.com.cn' : 'amazonaws.com';
    const plain = new S3Client({
      region,
      endpoint: `http://s3.${region}.${suffix}`,
      credentials: people.analyst.s3.config.credentials,
    });
    const list = new ListObjectsV2Command({
      Bucket: outputs.BucketName,
      Prefix: datasets.tweets.prefix,
      MaxKeys: 1,
    });
    await people.analyst.s3.send(list);
    const refusal = await plain.send(list).then(
      () => null,
      (error: unknown) => (isDenied(error) ? error.message : Promise.reject(error)),
    );
    return {
      saw: `a listing works over https and is refused over http: ${refusal}`,
      problems: refusal === null ? ['a listing over plain http was accepted'] : [],
      evidence: { refusal },
    };
  },
};

export const athenaResults: Check = {
  name: 'query results are encrypted and stay in the lake',
  look: async ({ session, keyArn, signal }) => {
    await runSql({ signal }, session, 'select 1 as one');
    const { WorkGroup } = await session.clients.athena.send(
      new GetWorkGroupCommand({ WorkGroup: session.outputs.AnalystsWorkgroupName }),
    );
    const configuration = WorkGroup?.Configuration;
    const { EncryptionConfiguration, OutputLocation } = configuration?.ResultConfiguration ?? {};
    const problems = [
      ...(configuration?.EnforceWorkGroupConfiguration === true
        ? []
        : ['the workgroup lets clients choose the settings']),
      ...(EncryptionConfiguration?.EncryptionOption === 'SSE_KMS' &&
      EncryptionConfiguration.KmsKey === keyArn
        ? []
        : [`results are encrypted with ${JSON.stringify(EncryptionConfiguration)}`]),
      ...(OutputLocation?.startsWith(`s3://${session.outputs.BucketName}/`)
        ? []
        : [`results go to ${OutputLocation}`]),
    ];
    return {
      saw: `workgroup ${WorkGroup?.Name} enforces SSE_KMS with the key, results below ${OutputLocation}`,
      problems,
      evidence: WorkGroup,
    };
  },
};

export const secretKey: Check = {
  name: "X's token is under the key",
  look: async ({ session: { clients, outputs }, keyArn }) => {
    const { KmsKeyId, Name, LastChangedDate } = await clients.secrets.send(
      new DescribeSecretCommand({ SecretId: outputs.TokenSecretArn }),
    );
    const problems =
      KmsKeyId === keyArn
        ? []
        : [`the secret is under ${KmsKeyId ?? 'the key of Secrets Manager'}`];
    return {
      saw: `secret ${Name} is under the lake's key`,
      problems,
      evidence: { Name, KmsKeyId, LastChangedDate },
    };
  },
};
