import { Aws } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { datasets, failedBatches, prefixes } from '../../../workflows/datasets';
import { arn } from '../../arns';
import { allow } from './grants';

export interface ForgetterAccessProps {
  readonly role: iam.IRole;
  readonly bucket: s3.IBucket;
  readonly key: kms.IKey;
  /** Name of the Glue database. */
  readonly database: string;
}

/** Prefixes whose objects are rewritten without the erased rows. */
const rewritten = [
  datasets.raw_tweets.prefix,
  datasets.labels.prefix,
  datasets.quarantine.prefix,
  datasets.scored.prefix,
  prefixes.plans,
  prefixes.imports,
  prefixes.queued,
  failedBatches,
  prefixes.audit,
];
/** Prefixes whose objects are deleted completely: they can be created again. */
const removed = [datasets.tweets.prefix, prefixes.queryResults];
/** The training requests of models, and the marks for erased training data. */
const requests = `${prefixes.models}*/input/request.json`;
const marks = `${prefixes.models}*/forgotten.json`;
/** Pages that quote a model's worst mistakes, and the archives that contain them: they are only deleted. */
const pages = [`${prefixes.models}*/evaluation.html`, `${prefixes.models}*/output/output.tar.gz`];

/**
 * The permissions of ForgetterRole for erasing tweets. Only this role may read and delete old versions of objects,
 * which otherwise stay for the lifecycle's days. It starts nothing and reads no models.
 */
export class ForgetterAccess extends Construct {
  constructor(scope: Construct, id: string, { role, bucket, key, database }: ForgetterAccessProps) {
    super(scope, id);
    const objects = (keys: readonly string[]) =>
      keys.map((name) => bucket.arnForObjects(name.endsWith('/') ? `${name}*` : name));
    const wildcard =
      'A tweet to erase may be in any object below a prefix that holds one data set; the role has no access outside these prefixes';
    const data = [...rewritten, ...removed];
    allow(this, 'UsesBucket', role, [
      {
        actions: ['s3:ListBucket', 's3:ListBucketVersions'],
        resources: [bucket.bucketArn],
        conditions: {
          // IfExists: as for the other roles, S3 must answer 404 for a missing object.
          StringLikeIfExists: {
            's3:prefix': [...data, prefixes.models].flatMap((prefix) => [
              prefix.slice(0, -1),
              `${prefix}*`,
            ]),
          },
        },
      },
      {
        actions: ['s3:GetObject'],
        resources: objects([prefixes.plans, requests, marks]),
        wildcard,
      },
      { actions: ['s3:GetObjectVersion'], resources: objects(data), wildcard },
      { actions: ['s3:PutObject'], resources: objects([...rewritten, marks]), wildcard },
      { actions: ['s3:DeleteObject'], resources: objects(rewritten), wildcard },
      { actions: ['s3:DeleteObjectVersion'], resources: objects([...data, ...pages]), wildcard },
    ]);
    allow(this, 'UsesKey', role, [
      {
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: [key.keyArn],
        conditions: { StringEquals: { 'kms:ViaService': `s3.${Aws.REGION}.amazonaws.com` } },
      },
    ]);
    // To read which snapshot of a day is published, and to store how many rows the next one may lose.
    allow(this, 'ChangesPartitions', role, [
      {
        actions: ['glue:GetPartitions', 'glue:UpdatePartition'],
        resources: [
          arn('glue', 'catalog'),
          arn('glue', `database/${database}`),
          arn('glue', `table/${database}/tweets`),
        ],
      },
    ]);
  }
}
