import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kinesis from 'aws-cdk-lib/aws-kinesis';
import type * as kms from 'aws-cdk-lib/aws-kms';
import type * as s3 from 'aws-cdk-lib/aws-s3';
import type * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { RoleName } from './naming';

/** The data stack's resources that the pipeline stack uses. */
export interface DataResources {
  readonly roles: Record<RoleName, iam.IRole>;
  readonly key: kms.IKey;
  readonly bucket: s3.IBucket;
  readonly stream: kinesis.IStream;
  readonly tokenSecret: secretsmanager.ISecret;
  readonly forceGrant: secretsmanager.ISecret;
  /** The secret for the list of erased ids. */
  readonly forgottenSecret: secretsmanager.ISecret;
  /** Name of the Glue database. */
  readonly database: string;
}
