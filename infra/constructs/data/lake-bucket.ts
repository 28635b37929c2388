import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { datasets, leaseKeys, prefixes, resultPrefixes } from '../../../workflows/datasets';
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
  /** Prefixes whose objects it removes for good, old versions included. */
  readonly purge?: readonly string[];
  /** Prefixes that are listed beside those that are read or written whole. */
  readonly list?: readonly string[];
  /** Set for who writes small objects only, each in one call. */
  readonly wholeObjects?: true;
}

const champion = `${prefixes.models}champion.json`;
/** Which data and which code made a model: what an auditor asks first. */
const manifests = `${prefixes.models}*/manifest.json`;
/** How good it is: the figures, and the page for people. */
const evaluations = `${prefixes.models}*/evaluation.*`;
/** Models that somebody made again from a manifest, to compare. */
const reproductions = `${prefixes.models}reproductions/`;
/** That a model was given tweets which have been forgotten since: the report says so. */
const marks = `${prefixes.models}*/forgotten.json`;
/** Made by one training for all that follow. */
const encoders = `${prefixes.models}encoders/`;
/** What serves: written by the training job alone, so that what was evaluated is what is loaded. */
const archives = `${prefixes.models}*/output/model.tar.gz`;
const { raw_tweets, labels, quarantine, tweets, scored } = datasets;

/** What an ingest brings, and what it keeps of where it stands. */
const ingested = [prefixes.plans, prefixes.parked, raw_tweets.prefix, quarantine.prefix];
/** What people bring. */
const brought = [labels.prefix, prefixes.corpora, prefixes.imports];

const access: Record<RoleName, Access> = {
  DataIngestionRole: {
    read: [...ingested, prefixes.imports],
    write: ingested,
    // Records that the stream has taken after all.
    remove: [prefixes.parked],
    // What was brought is in raw-data/tweets/ by then, without the tweets that are forgotten.
    purge: [prefixes.imports],
    wholeObjects: true,
  },
  DataProcessingRole: {
    read: [raw_tweets.prefix, labels.prefix, quarantine.prefix, 'cleaned-data/'],
    // Spark writes below a temporary name and moves: that copies and removes. On S3 it also leaves markers
    // of folders beside them, so the whole of cleaned-data/ is meant.
    write: [quarantine.prefix, 'cleaned-data/'],
    remove: [quarantine.prefix, 'cleaned-data/'],
  },
  RunReporterRole: {
    read: ['cleaned-data/', resultPrefixes.runs, prefixes.audit, champion, marks, leaseKeys.run],
    write: [resultPrefixes.runs, prefixes.audit, leaseKeys.run],
  },
  MachineLearningRole: {
    read: [
      tweets.prefix,
      labels.prefix,
      prefixes.corpora,
      `${prefixes.models}*/input/*`,
      archives,
      encoders,
    ],
    write: [`${prefixes.models}*/output/*`],
    // SageMaker lists what a channel names by its prefix, a single object included.
    list: [prefixes.models],
  },
  ModelOperatorRole: {
    read: [tweets.prefix, labels.prefix, scored.prefix, resultPrefixes.runs, prefixes.models],
    write: [
      scored.prefix,
      resultPrefixes.runs,
      champion,
      `${prefixes.models}latest-training.json`,
      `${prefixes.models}*/input/*`,
      evaluations,
      manifests,
      encoders,
    ],
    // It names the corpora of an encoder by their ETags.
    list: [prefixes.corpora],
  },
  AnalyticsRole: {
    read: [
      'cleaned-data/',
      // Why a record is missing in the tables.
      quarantine.prefix,
      scored.prefix,
      resultPrefixes.analysts,
      prefixes.audit,
      champion,
      manifests,
      evaluations,
      reproductions,
      marks,
    ],
    write: [resultPrefixes.analysts],
  },
  LabellerRole: {
    // What lies in imports/ is the ingest's to read, and so is the list of what is forgotten.
    read: [labels.prefix, prefixes.corpora],
    write: brought,
    wholeObjects: true,
  },
  ServingRole: { read: [archives], write: [], wholeObjects: true },
};

/** A published day is ended by Publish the data; the lifecycle ends it so much later if no run did. */
const WITHOUT_A_RUN_DAYS = 30;

/** How long objects stay where their age is the age of what they hold. */
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
    { id: 'parked', prefix: prefixes.parked, days: keepDays.quarantine },
    { id: 'imports', prefix: prefixes.imports, days: keepDays.imports },
    { id: 'pages', prefix: `${prefixes.plans}pages/`, days: keepDays.pages },
    { id: 'query-results', prefix: prefixes.queryResults, days: keepDays.queryResults },
    { id: 'audit', prefix: prefixes.audit, days: keepDays.audit },
  ];
  return all.flatMap(({ days, ...rule }) => (days === null ? [] : [{ ...rule, days }]));
}

/** Where old versions go after a while: everywhere but below processed-data/audit/, where they stay as long as records do. */
const versionedPrefixes = [
  'raw-data/',
  'cleaned-data/',
  scored.prefix,
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
      // One data key for many objects: Spark alone would call KMS thousands of times a night.
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
        // All that roles write, but records: of one that was replaced or removed all the same, what it was stays as long.
        ...versionedPrefixes.map((prefix) => ({
          id: `old-versions-of-${prefix.replace(/\/$/, '').replaceAll('/', '-')}`,
          prefix,
          noncurrentVersionExpiration,
        })),
        {
          // A plan is written anew with each page, and holds that page: yesterday's are of no use.
          id: 'plans',
          prefix: prefixes.plans,
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
    // Not through the bucket's own methods: the deployed policy is the reviewed file and nothing else.
    new s3.CfnBucketPolicy(this, 'Policy', {
      bucket: this.bucket.bucketName,
      policyDocument: policyDocument('S3_bucket_policy.json', {
        BucketArn: this.bucket.bucketArn,
        KeyArn: key.keyArn,
        LakeRoleArns: roles.arns,
        // It changes the bucket, this policy included: a deployment must never lock itself out. Data are nothing to it.
        DeploymentRoleArn: deploymentRoleArn(this),
        RootArn: rootArn,
        Audit: prefixes.audit,
        // An id that is forgotten goes from the records, too; no role of the pipeline may replace or remove one.
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
      "Objects below a prefix that holds one data set; their keys carry days, runs and hashes, and the role's other prefixes stay closed";
    const listed = [...new Set([...read, ...write, ...list])].filter((key) => key.endsWith('/'));
    const all: Permission[] = [
      {
        actions: ['s3:ListBucket'],
        resources: [this.bucket.bucketArn],
        conditions: {
          // IfExists: reading a missing object is answered 404 only to those who may list, and that request
          // has no prefix. With StringLike it would be 403, as if a policy were wrong.
          StringLikeIfExists: {
            's3:prefix': listed.flatMap((prefix) => [prefix.slice(0, -1), `${prefix}*`]),
          },
        },
      },
      { actions: ['s3:GetObject'], resources: objects(read), wildcard },
      { actions: ['s3:PutObject'], resources: objects(write), wildcard },
      // The parts: Athena, Spark and SageMaker upload what is large in several.
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
