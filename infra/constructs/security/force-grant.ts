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
  /** Who may give a grant. */
  readonly granters: People;
  /** Who looks whether there is one: the role of the step that plans a run. */
  readonly reader: iam.IRole;
}

/**
 * The permission behind `"force": true`. An execution's input is open to everybody who may start one, so force in
 * it is a wish; what grants it is a new version of this secret, which its own policy lets only the
 * ForceGranterRole write. A version is good for one execution (functions/model/force-grant.ts).
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
        'Lets one execution with "force": true promote a model that the gate refuses. Value: {"reason":"…"}; until then a random text, which grants nothing',
      // By its ARN: to a key of its own app, CDK would add a statement that policies/KMS_policy.json has not.
      encryptionKey: kms.Key.fromKeyArn(this, 'Key', key.keyArn),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledge(
      secret,
      'SMG4',
      'It holds no credential but a person’s decision: a version is good for one execution and a day, and none may come by itself',
    );
    guardSecret(secret, { writers: [role.roleArn] });
    const resources = [secret.secretArn];
    allow(this, 'Grant', role.withoutPolicyUpdates(), [
      // The console shows a value before it lets one change it.
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
