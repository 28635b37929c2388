import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kinesis from 'aws-cdk-lib/aws-kinesis';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { RoleName } from './naming';

/** What the pipeline is given of the data it works on. */
export interface DataResources {
  readonly roles: Record<RoleName, iam.IRole>;
  readonly key: kms.IKey;
  readonly bucket: s3.IBucket;
  readonly stream: kinesis.IStream;
  readonly tokenSecret: secretsmanager.ISecret;
  readonly forceGrant: secretsmanager.ISecret;
  /** Under which the ids of forgotten tweets and authors are kept. */
  readonly forgottenSecret: secretsmanager.ISecret;
  /** Name of the Glue database. */
  readonly database: string;
}
