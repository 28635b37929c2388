import { Aws, RemovalPolicy } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Construct } from 'constructs';
import { acknowledge } from '../security/acknowledge';
import { allow } from '../security/grants';
import { guardSecret } from '../security/guarded-secret';

export interface ForgottenIdsProps {
  readonly key: kms.IKey;
  /** Leaves out what is on the list. */
  readonly ingestion: iam.IRole;
  /** Writes the list; null while nobody may forget. */
  readonly forgetter: iam.IRole | null;
}

/**
 * The secret under which the list of forgotten ids is kept. The list lies in the bucket, ids are few enough to try
 * them all, and this is what keeps that from working: nobody else who reads the bucket may read it.
 */
export class ForgottenIds extends Construct {
  readonly secret: secretsmanager.ISecret;

  constructor(scope: Construct, id: string, props: ForgottenIdsProps) {
    super(scope, id);
    const { key, ingestion, forgetter } = props;
    const secret = new secretsmanager.Secret(this, 'Secret', {
      description:
        'Under it the ids of forgotten tweets and authors are kept. Never change it: the list could no longer be read',
      // Only a first deployment generates it; later ones leave it alone as long as this stays as it is.
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      // By its ARN: to a key of its own app, CDK would add a statement that policies/KMS_policy.json has not.
      encryptionKey: kms.Key.fromKeyArn(this, 'Key', key.keyArn),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledge(
      secret,
      'SMG4',
      'Under another value no id on the list would be found, and forgotten tweets would come back: it must never rotate',
    );
    const readers = [ingestion, ...(forgetter === null ? [] : [forgetter])];
    guardSecret(secret, { readers: readers.map(({ roleArn }) => roleArn), writers: [] });
    const resources = [secret.secretArn];
    const read = { actions: ['secretsmanager:GetSecretValue'], resources };
    allow(this, 'Check', ingestion, [read]);
    if (forgetter !== null) {
      allow(this, 'Write', forgetter, [
        read,
        {
          actions: ['kms:Decrypt'],
          resources: [key.keyArn],
          conditions: {
            StringEquals: { 'kms:ViaService': `secretsmanager.${Aws.REGION}.amazonaws.com` },
          },
        },
      ]);
    }
    this.secret = secret;
  }
}
