import * as iam from 'aws-cdk-lib/aws-iam';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import { Aws, RemovalPolicy } from 'aws-cdk-lib';
import { Construct } from 'constructs';
import type { EnvironmentName, People } from '../../config';
import { forceGranterRole, lakeName } from '../../naming';
import { acknowledge } from './acknowledge';
import { allow } from './grants';
import { guardSecret } from './guarded-secret';
import { firstOf, principals, trust } from './lake-roles';

export interface ForceGrantProps {
  readonly environment: EnvironmentName;
  readonly key: kms.IKey;
  /** The people who may give a grant. */
  readonly granters: People;
  /** The role that checks for a grant: that of the step that plans a run. */
  readonly reader: iam.IRole;
}

/**
 * The permission behind `"force": true`. Everyone who may start an execution can set it, so it is only a request. It
 * takes effect only with a new version of this secret, which the secret's policy lets only ForceGranterRole write. A
 * version is valid for one execution (functions/model/force-grant.ts).
 */
export class ForceGrant extends Construct {
  readonly secret: secretsmanager.ISecret;

  constructor(scope: Construct, id: string, props: ForceGrantProps) {
    super(scope, id);
    const { environment, key, granters, reader } = props;
    const people = principals(granters);
    const role = new iam.Role(this, 'Role', {
      roleName: lakeName(environment, forceGranterRole),
      description: 'People who may let one execution promote a model that the gate refuses',
      assumedBy: firstOf(people),
    });
    for (const person of people.slice(1)) trust(role, person);
    const secret = new secretsmanager.Secret(this, 'Secret', {
      description:
        'A version lets one execution with "force": true promote a model that the gate refuses. Value: {"reason":"…"}. The first value is random and grants nothing',
      // Imported by ARN, because CDK would add a statement to a key of its own app, beside policies/KMS_policy.json.
      encryptionKey: kms.Key.fromKeyArn(this, 'Key', key.keyArn),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledge(
      secret,
      'SMG4',
      'It holds no credential but a person’s decision: a version is valid for one execution and one day, and rotation must not create one',
    );
    guardSecret(secret, { writers: [role.roleArn] });
    const resources = [secret.secretArn];
    allow(this, 'Grant', role.withoutPolicyUpdates(), [
      // The console reads a value before one can change it.
      {
        actions: [
          'secretsmanager:PutSecretValue',
          'secretsmanager:GetSecretValue',
          'secretsmanager:DescribeSecret',
        ],
        resources,
      },
      {
        actions: ['kms:Decrypt', 'kms:GenerateDataKey'],
        resources: [key.keyArn],
        conditions: {
          StringEquals: { 'kms:ViaService': `secretsmanager.${Aws.REGION}.amazonaws.com` },
        },
      },
    ]);
    allow(this, 'Look', reader, [{ actions: ['secretsmanager:GetSecretValue'], resources }]);
    this.secret = secret;
  }
}
