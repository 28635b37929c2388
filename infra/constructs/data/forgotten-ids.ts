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
  /** The role that skips ids on the list. */
  readonly ingestion: iam.IRole;
  /** The role that writes the list; null when nobody may erase. */
  readonly forgetter: iam.IRole | null;
}

/**
 * The secret for the list of erased ids. The list in the bucket holds HMACs of the ids under this secret. Without it,
 * readers of the bucket could try all possible ids; only these roles may read the secret.
 */
export class ForgottenIds extends Construct {
  readonly secret: secretsmanager.ISecret;

  constructor(scope: Construct, id: string, props: ForgottenIdsProps) {
    super(scope, id);
    const { key, ingestion, forgetter } = props;
    const secret = new secretsmanager.Secret(this, 'Secret', {
      description:
        'Secret key of the list of erased tweets and authors. Never change it: the list could no longer be read',
      // Only the first deployment generates the value. Later ones keep it as long as this property does not change.
      generateSecretString: { passwordLength: 64, excludePunctuation: true },
      // Imported by ARN, because CDK would add a statement to a key of its own app, beside policies/KMS_policy.json.
      encryptionKey: kms.Key.fromKeyArn(this, 'Key', key.keyArn),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledge(
      secret,
      'SMG4',
      'With another value no id on the list would be found, and erased tweets would come back: it must never rotate',
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
