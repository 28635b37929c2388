import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import {
  datasets,
  failedBatches,
  leaseKeys,
  prefixes,
  resultPrefixes,
  streamPositions,
} from '../../../workflows/datasets';
import { deploymentRoleArn, rootArn } from '../../arns';
import type { Settings } from '../../config';
import { roleNames } from '../../naming';
import type { RoleName } from '../../naming';
import { policyDocument } from '../../policy-documents';
import { AccessLogs } from './access-logs';
import { allow } from '../security/grants';
import type { Permission } from '../security/grants';
import type { LakeRoles } from '../security/lake-roles';

export interface LakeBucketProps {
  readonly key: kms.IKey;
  readonly roles: LakeRoles;
  readonly settings: Pick<Settings, 'bucketName' | 'keepDays' | 'logRetentionDays'>;
}

/** Prefixes (ending in /) and single keys. */
interface Access {
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly remove?: readonly string[];
  /** Prefixes whose objects the role deletes permanently, including old versions. */
  readonly purge?: readonly string[];
  /** Prefixes that the role lists, beside the prefixes it reads or writes. */
  readonly list?: readonly string[];
  /** Set for a role that only writes small objects, each in one call. */
  readonly wholeObjects?: true;
}

const champion = `${prefixes.models}champion.json`;
/** The last comparison of the newest tweets with the training. */
const drift = `${prefixes.models}drift.json`;
/** Data and code of each model, for auditors. */
const manifests = `${prefixes.models}*/manifest.json`;
/** Each model's metrics and its evaluation page. */
const evaluations = `${prefixes.models}*/evaluation.*`;
/** Models that were trained again from a manifest, for comparison. */
const reproductions = `${prefixes.models}reproductions/`;
/** Marks on models whose input contained tweets that were erased later; reports show them. */
const marks = `${prefixes.models}*/forgotten.json`;
/** Encoders that one training creates for all later ones. */
const encoders = `${prefixes.models}encoders/`;
/** Models to serve. Only the training job writes them, so the loaded model is the evaluated one. */
const archives = `${prefixes.models}*/output/model.tar.gz`;
/** What a transform job reads, written by Athena, and what it writes. */
const jobInput = `${resultPrefixes.scoring}*/input/*`;
const jobOutput = `${resultPrefixes.scoring}*/output/*`;
const { raw_tweets, labels, quarantine, tweets, scored, executions } = datasets;

/** Raw tweets and invalid records, and the ingest's plans and retry queue. */
const ingested = [prefixes.plans, prefixes.queued, raw_tweets.prefix, quarantine.prefix];
/** Imports by people. */
const brought = [labels.prefix, prefixes.corpora, prefixes.imports];

const access: Record<RoleName, Access> = {
  DataIngestionRole: {
    read: [...ingested, prefixes.imports],
    write: ingested,
    // Records that the stream has accepted on a retry, and pages that a merged object holds. Their old versions stay:
    // the role could replace them anyway.
    remove: [prefixes.queued, raw_tweets.prefix],
    // Imported tweets are in raw-data/tweets/ by then, without erased ones.
    purge: [prefixes.imports],
    wholeObjects: true,
  },
  DataProcessingRole: {
    read: [raw_tweets.prefix, labels.prefix, quarantine.prefix, 'cleaned-data/'],
    // Spark writes below a temporary name, then copies and deletes. On S3 it also leaves folder markers beside the
    // data, so it needs all of cleaned-data/.
    write: [quarantine.prefix, 'cleaned-data/'],
    remove: [quarantine.prefix, 'cleaned-data/'],
  },
  RunReporterRole: {
    read: [
      'cleaned-data/',
      scored.prefix,
      streamPositions,
      resultPrefixes.runs,
      prefixes.audit,
      executions.prefix,
      champion,
      // Which days a model was trained on.
      manifests,
      marks,
      leaseKeys.run,
    ],
    // Rows of executions are replaced: after a redrive, and when CloudTrail says who started one. They are made of the
    // histories in audit/, which are not.
    write: [resultPrefixes.runs, prefixes.audit, executions.prefix, leaseKeys.run, drift],
  },
  MachineLearningRole: {
    read: [
      tweets.prefix,
      labels.prefix,
      prefixes.corpora,
      `${prefixes.models}*/input/*`,
      archives,
      encoders,
      jobInput,
    ],
    write: [`${prefixes.models}*/output/*`, jobOutput],
    // SageMaker lists a channel's data by prefix, even for a single object, and a transform job's input.
    list: [prefixes.models, resultPrefixes.scoring],
  },
  ModelOperatorRole: {
    read: [
      tweets.prefix,
      labels.prefix,
      scored.prefix,
      resultPrefixes.runs,
      resultPrefixes.scoring,
      prefixes.models,
    ],
    write: [
      scored.prefix,
      // Stream records that are no tweets, and batches that Lambda gives up.
      quarantine.prefix,
      failedBatches,
      streamPositions,
      resultPrefixes.runs,
      jobInput,
      champion,
      `${prefixes.models}latest-training.json`,
      `${prefixes.models}promotions.json`,
      `${prefixes.models}drift-training.json`,
      `${prefixes.models}*/input/*`,
      evaluations,
      manifests,
      encoders,
    ],
    // When the scores are published; and small objects of scores that a merged one holds.
    remove: [resultPrefixes.scoring, scored.prefix],
    // Listing gives the ETags by which an encoder's corpora are named.
    list: [prefixes.corpora],
  },
  AnalyticsRole: {
    read: [
      'cleaned-data/',
      // Shows why a record is missing in the tables.
      quarantine.prefix,
      failedBatches,
      scored.prefix,
      resultPrefixes.analysts,
      prefixes.audit,
      executions.prefix,
      champion,
      manifests,
      evaluations,
      reproductions,
      marks,
    ],
    write: [resultPrefixes.analysts],
  },
  LabellerRole: {
    // Only the ingest may read imports/ and the list of erased ids.
    read: [labels.prefix, prefixes.corpora],
    write: brought,
    wholeObjects: true,
  },
  ServingRole: { read: [archives], write: [], wholeObjects: true },
};

/** Publish the data drops expired days; the lifecycle deletes them this many days later if no run did. */
const WITHOUT_A_RUN_DAYS = 30;

/** Retention of objects that are as old as their content. */
function lifetimes(keepDays: Settings['keepDays']): { id: string; prefix: string; days: number }[] {
  const all = [
    { id: 'raw-tweets', prefix: raw_tweets.prefix, days: keepDays.tweets },
    {
      id: 'cleaned-tweets',
      prefix: 'cleaned-data/',
      days: Math.max(keepDays.tweets, keepDays.replacedSnapshots) + WITHOUT_A_RUN_DAYS,
    },
    { id: 'scored', prefix: scored.prefix, days: keepDays.scored },
    { id: 'labels', prefix: labels.prefix, days: keepDays.labels },
    { id: 'quarantine', prefix: quarantine.prefix, days: keepDays.quarantine },
    { id: 'queued', prefix: prefixes.queued, days: keepDays.quarantine },
    { id: 'failed-batches', prefix: failedBatches, days: keepDays.quarantine },
    { id: 'imports', prefix: prefixes.imports, days: keepDays.imports },
    { id: 'pages', prefix: `${prefixes.plans}pages/`, days: keepDays.pages },
    { id: 'query-results', prefix: prefixes.queryResults, days: keepDays.queryResults },
    { id: 'audit', prefix: prefixes.audit, days: keepDays.audit },
    { id: 'executions', prefix: executions.prefix, days: keepDays.audit },
  ];
  return all.flatMap(({ days, ...rule }) => (days === null ? [] : [{ ...rule, days }]));
}

/** Prefixes whose old versions expire: all but processed-data/audit/, where they stay as long as the records. */
const versionedPrefixes = [
  'raw-data/',
  'cleaned-data/',
  scored.prefix,
  executions.prefix,
  failedBatches,
  prefixes.queryResults,
  prefixes.models,
];

/** The lake's one bucket: raw-data/, cleaned-data/, processed-data/ and model-outputs/. */
export class LakeBucket extends Construct {
  readonly bucket: s3.IBucket;

  constructor(scope: Construct, id: string, { key, roles, settings }: LakeBucketProps) {
    super(scope, id);
    const { bucketName, keepDays, logRetentionDays } = settings;
    const { bucket: serverAccessLogsBucket } = new AccessLogs(this, 'AccessLogs', {
      keepDays: logRetentionDays,
    });
    const noncurrentVersionExpiration = Duration.days(keepDays.noncurrentVersions);
    this.bucket = new s3.Bucket(this, 'Bucket', {
      bucketName: bucketName ?? undefined,
      encryption: s3.BucketEncryption.KMS,
      encryptionKey: key,
      // One data key for many objects: Spark alone would call KMS thousands of times a run.
      bucketKeyEnabled: true,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      versioned: true,
      serverAccessLogsBucket,
      serverAccessLogsPrefix: 'lake/',
      lifecycleRules: [
        {
          id: 'leftovers',
          abortIncompleteMultipartUploadAfter: Duration.days(7),
          expiredObjectDeleteMarker: true,
        },
        // Everything that roles write, except audit records: their old versions stay as long as the records.
        ...versionedPrefixes.map((prefix) => ({
          id: `old-versions-of-${prefix.replace(/\/$/, '').replaceAll('/', '-')}`,
          prefix,
          noncurrentVersionExpiration,
        })),
        {
          // Each page rewrites its plan, which contains the page: old versions are useless.
          id: 'plans',
          prefix: prefixes.plans,
          noncurrentVersionExpiration: Duration.days(1),
        },
        {
          // Each batch rewrites its shard's position.
          id: 'stream-positions',
          prefix: streamPositions,
          noncurrentVersionExpiration: Duration.days(1),
        },
        ...lifetimes(keepDays).map(({ id: rule, prefix, days }) => ({
          id: rule,
          prefix,
          expiration: Duration.days(days),
          ...(prefix === prefixes.audit && { noncurrentVersionExpiration: Duration.days(days) }),
        })),
      ],
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    // Not with the bucket's own methods, so that the deployed policy is exactly the reviewed file.
    new s3.CfnBucketPolicy(this, 'Policy', {
      bucket: this.bucket.bucketName,
      policyDocument: policyDocument('S3_bucket_policy.json', {
        BucketArn: this.bucket.bucketArn,
        KeyArn: key.keyArn,
        LakeRoleArns: roles.arns,
        // It changes the bucket and this policy, so that a deployment cannot lock itself out. It does not read data.
        DeploymentRoleArn: deploymentRoleArn(this),
        RootArn: rootArn,
        Audit: prefixes.audit,
        // Erasing removes ids from audit records, too. No role of the pipeline may replace or delete a record.
        RecordScrubberArns: roles.forgetter === null ? [] : [roles.forgetter.roleArn],
      }),
    });
    for (const name of roleNames)
      allow(this, `${name}UsesBucket`, roles.byName[name], this.permissions(access[name]));
  }

  private permissions({
    read,
    write,
    remove = [],
    purge = [],
    list = [],
    wholeObjects,
  }: Access): Permission[] {
    const objects = (keys: readonly string[]) =>
      keys.map((key) => this.bucket.arnForObjects(key.endsWith('/') ? `${key}*` : key));
    const wildcard =
      'Objects below a prefix that holds one data set; their keys contain days, runs and hashes, and the role has no access to other prefixes';
    const listed = [...new Set([...read, ...write, ...list])].filter((key) => key.endsWith('/'));
    const all: Permission[] = [
      {
        actions: ['s3:ListBucket'],
        resources: [this.bucket.bucketArn],
        conditions: {
          // IfExists: S3 answers 404 for a missing object only if the caller may list, and that request has no
          // prefix. With StringLike the answer would be 403, like a wrong policy.
          StringLikeIfExists: {
            's3:prefix': listed.flatMap((prefix) => [prefix.slice(0, -1), `${prefix}*`]),
          },
        },
      },
      { actions: ['s3:GetObject'], resources: objects(read), wildcard },
      { actions: ['s3:PutObject'], resources: objects(write), wildcard },
      // Multipart uploads: Athena, Spark and SageMaker upload large objects in parts.
      ...(wholeObjects
        ? []
        : [
            {
              actions: ['s3:GetBucketLocation', 's3:ListBucketMultipartUploads'],
              resources: [this.bucket.bucketArn],
            },
            {
              actions: ['s3:AbortMultipartUpload', 's3:ListMultipartUploadParts'],
              resources: objects(write),
              wildcard,
            },
          ]),
      { actions: ['s3:DeleteObject'], resources: objects(remove), wildcard },
      { actions: ['s3:DeleteObjectVersion'], resources: objects(purge), wildcard },
      ...(purge.length > 0
        ? [
            {
              actions: ['s3:ListBucketVersions'],
              resources: [this.bucket.bucketArn],
              conditions: { StringLike: { 's3:prefix': purge.map((prefix) => `${prefix}*`) } },
            },
          ]
        : []),
    ];
    const isListing = ({ actions }: Permission) => actions.includes('s3:ListBucket');
    return all.filter((one) => (isListing(one) ? listed : one.resources).length > 0);
  }
}
