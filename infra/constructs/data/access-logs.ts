import { Duration, RemovalPolicy } from 'aws-cdk-lib';
import * as iam from 'aws-cdk-lib/aws-iam';
import * as s3 from 'aws-cdk-lib/aws-s3';
import { Construct } from 'constructs';
import { deploymentRoleArn, rootArn } from '../../arns';

export interface AccessLogsProps {
  /** Days after which a record is deleted. */
  readonly keepDays: number;
}

/**
 * Who asked the lake's bucket for what. S3's own server access logs, because they belong to the bucket and cost
 * what they occupy; CloudTrail's data events would need a trail per deployment, and those who want them have one
 * for their whole organisation. In a bucket of its own: the lake's would log its own logging. Without Object Lock, which S3
 * does not take for a bucket that access logs are delivered to: its policy and its versions guard the records.
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
      // As long as the lake: they say who took what out of it.
      removalPolicy: RemovalPolicy.RETAIN_ON_UPDATE_OR_DELETE,
    });
    this.refuseChanges();
  }

  /** People read the records, and nobody changes them or how they are kept: they are the evidence for everything else. */
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
