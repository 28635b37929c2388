import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { deploymentRoleArn, rootArn } from '../../arns';

export interface AccessLogsProps {
  /** Days until a record is deleted. */
  readonly keepDays: number;
}

/**
 * S3's server access logs of the lake's bucket. They only cost their storage; CloudTrail's data events would need a
 * trail per deployment, and companies that want them have one for the organisation. The logs have their own bucket,
 * because the lake's would log its own logging. S3 delivers no access logs to a bucket with Object Lock, so a policy
 * and versioning protect the records.
 */
export class AccessLogs extends Construct {
  readonly bucket: s3.Bucket;

  constructor(scope: Construct, id: string, { keepDays }: AccessLogsProps) {
    super(scope, id);
    this.bucket = new s3.Bucket(this, 'Bucket', {
      // S3 cannot deliver access logs to a bucket whose default encryption is KMS.
      encryption: s3.BucketEncryption.S3_MANAGED,
      enforceSSL: true,
      blockPublicAccess: s3.BlockPublicAccess.BLOCK_ALL,
      versioned: true,
      objectOwnership: s3.ObjectOwnership.BUCKET_OWNER_ENFORCED,
      lifecycleRules: [
        {
          id: 'old-records',
          expiration: Duration.days(keepDays),
          noncurrentVersionExpiration: Duration.days(keepDays),
          abortIncompleteMultipartUploadAfter: Duration.days(7),
        },
      ],
      // Kept as long as the lake: the logs say who read what.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    this.refuseChanges();
  }

  /** Lets people read the records, but nobody change or delete them or their retention: they are the evidence. */
  private refuseChanges(): void {
    this.bucket.addToResourcePolicy(
      new iam.PolicyStatement({
        sid: 'DenyAllButReading',
        effect: iam.Effect.DENY,
        principals: [new iam.AnyPrincipal()],
        notActions: ['s3:Get*', 's3:List*'],
        resources: [this.bucket.bucketArn, this.bucket.arnForObjects('*')],
        conditions: {
          // S3 itself delivers the records; a service has no aws:PrincipalArn.
          BoolIfExists: { 'aws:PrincipalIsAWSService': 'false' },
          ArnNotLike: { 'aws:PrincipalArn': [deploymentRoleArn(this), rootArn] },
        },
      }),
    );
  }
}
