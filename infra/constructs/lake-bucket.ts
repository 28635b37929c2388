import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { FORGOTTEN_KEY } from '../../functions/lake/forgotten';
import { datasets, leaseKeys, prefixes, resultPrefixes } from '../../workflows/datasets';
import { deploymentRoleArn, rootArn } from '../arns';
import type { Settings } from '../config';
import { roleNames } from '../naming';
import type { RoleName } from '../naming';
import { policyDocument } from '../policy-documents';
import { AccessLogs } from './access-logs';
import { allow } from './grants';
import type { Permission } from './grants';
import type { LakeRoles } from './lake-roles';

export interface LakeBucketProps {
  readonly key: kms.IKey;
  readonly roles: LakeRoles;
  readonly settings: Pick<Settings, 'keepDays' | 'logRetentionDays'>;
}

/** Prefixes (ending in /) and single keys. */
interface Access {
  readonly read: readonly string[];
  readonly write: readonly string[];
  readonly remove?: readonly string[];
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
const { raw_tweets, labels, quarantine, scored } = datasets;

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
      'cleaned-data/',
      labels.prefix,
      prefixes.corpora,
      scored.prefix,
      resultPrefixes.runs,
      prefixes.models,
    ],
    write: [scored.prefix, resultPrefixes.runs, prefixes.models],
  },
  AnalyticsRole: {
    read: [
      'cleaned-data/',
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
    // The list of what is forgotten: an import leaves it out before it reaches the lake. What lies in imports/ is the ingest's to read.
    read: [labels.prefix, prefixes.corpora, FORGOTTEN_KEY],
    write: brought,
    wholeObjects: true,
  },
};

/** Where old versions go after a while: everywhere but below processed-data/audit/. */
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
    const { keepDays, logRetentionDays } = settings;
    const { bucket: serverAccessLogsBucket } = new AccessLogs(this, 'AccessLogs', {
      keepDays: logRetentionDays,
    });
    const noncurrentVersionExpiration = Duration.days(keepDays.noncurrentVersions);
    this.bucket = new s3.Bucket(this, 'Bucket', {
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
        // All that roles write, but records: of one that was replaced or removed all the same, what it was stays.
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
        {
          // Their tweets are in raw-data/tweets/ by then.
          id: 'imports',
          prefix: prefixes.imports,
          expiration: Duration.days(30),
        },
        {
          id: 'query-results',
          prefix: prefixes.queryResults,
          expiration: Duration.days(keepDays.queryResults),
        },
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

  private permissions({ read, write, remove = [], wholeObjects }: Access): Permission[] {
    const objects = (keys: readonly string[]) =>
      keys.map((key) => this.bucket.arnForObjects(key.endsWith('/') ? `${key}*` : key));
    const wildcard =
      "Objects below a prefix that holds one data set; their keys carry days, runs and hashes, and the role's other prefixes stay closed";
    const listed = [...new Set([...read, ...write])].filter((key) => key.endsWith('/'));
    return [
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
      ...(remove.length > 0
        ? [{ actions: ['s3:DeleteObject'], resources: objects(remove), wildcard }]
        : []),
    ];
  }
}
