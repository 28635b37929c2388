import { Duration, RemovalPolicy, Stack } from 'aws-cdk-lib';
import type { StackProps } from 'aws-cdk-lib';
import * as kinesis from 'aws-cdk-lib/aws-kinesis';
import * as kms from 'aws-cdk-lib/aws-kms';
import * as secretsmanager from 'aws-cdk-lib/aws-secretsmanager';
import type { Construct } from 'constructs';
import type { EnvironmentName, Settings } from '../config';
import { acknowledge } from '../constructs/security/acknowledge';
import { ForceGrant } from '../constructs/security/force-grant';
import { ForgetterAccess } from '../constructs/security/forgetter-access';
import { ForgottenIds } from '../constructs/data/forgotten-ids';
import { allow } from '../constructs/security/grants';
import { guardSecret } from '../constructs/security/guarded-secret';
import { LakeBucket } from '../constructs/data/lake-bucket';
import { LakeCatalog } from '../constructs/data/lake-catalog';
import { LakeKey } from '../constructs/data/lake-key';
import { LakeRoles } from '../constructs/security/lake-roles';
import type { DataResources } from '../data-resources';

export interface DataStackProps extends StackProps {
  readonly environment: EnvironmentName;
  readonly settings: Settings;
}

/** Everything that must survive: the data, its key and catalog, and the roles with access to them. */
export class DataStack extends Stack {
  readonly lake: DataResources;

  constructor(scope: Construct, id: string, props: DataStackProps) {
    const { environment, settings } = props;
    super(scope, id, { terminationProtection: settings.protectData, ...props });
    const roles = new LakeRoles(this, 'Roles', { environment, people: settings.people });
    const { key } = new LakeKey(this, 'Key', { environment, roles });
    const { bucket } = new LakeBucket(this, 'Lake', { key, roles, settings });
    const { database } = new LakeCatalog(this, 'Catalog', {
      environment,
      bucket,
      roles,
      quarantineDays: settings.keepDays.quarantine,
      auditDays: settings.keepDays.audit,
    });
    if (roles.forgetter !== null) {
      new ForgetterAccess(this, 'Forgetting', { role: roles.forgetter, bucket, key, database });
    }
    this.lake = {
      roles: roles.byName,
      key,
      bucket,
      database,
      stream: this.createStream(key, roles.byName),
      tokenSecret: this.createTokenSecret(key, roles.byName),
      forgottenSecret: new ForgottenIds(this, 'ForgottenIds', {
        key,
        ingestion: roles.byName.DataIngestionRole,
        forgetter: roles.forgetter,
      }).secret,
      forceGrant: new ForceGrant(this, 'ForceGrant', {
        environment,
        key,
        granters: settings.people.forceGranters,
        reader: roles.byName.DataIngestionRole,
      }).secret,
    };
  }

  private createStream(key: kms.IKey, roles: DataResources['roles']): kinesis.IStream {
    const stream = new kinesis.Stream(this, 'Tweets', {
      shardCount: 1,
      // The scorer waits for the first promoted model: it has a week until then, and at most a week to catch up.
      retentionPeriod: Duration.days(7),
      encryption: kinesis.StreamEncryption.KMS,
      encryptionKey: key,
      // Every record is in raw-data/, too.
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledge(
      stream,
      'KDS3',
      "The rule prefers AWS's own key because it is free; with the lake's key, the key's policy, log and deletion also cover tweets in the stream",
    );
    const resources = [stream.streamArn];
    allow(stream, 'Write', roles.DataIngestionRole, [
      { actions: ['kinesis:PutRecords'], resources },
    ]);
    allow(stream, 'Read', roles.ModelOperatorRole, [
      {
        actions: [
          'kinesis:DescribeStream',
          'kinesis:DescribeStreamSummary',
          'kinesis:GetRecords',
          'kinesis:GetShardIterator',
          'kinesis:ListShards',
        ],
        resources,
      },
    ]);
    // The report counts what the scorer has not taken; `lake watch` shows analysts the tweets as they arrive.
    for (const name of ['RunReporterRole', 'AnalyticsRole'] as const)
      allow(stream, `${name}Looks`, roles[name], [
        {
          actions: ['kinesis:GetRecords', 'kinesis:GetShardIterator', 'kinesis:ListShards'],
          resources,
        },
      ]);
    return stream;
  }

  private createTokenSecret(key: kms.IKey, roles: DataResources['roles']): secretsmanager.ISecret {
    const secret = new secretsmanager.Secret(this, 'XBearerToken', {
      description:
        "X's bearer token. Holds a random text until a person stores the token: aws secretsmanager put-secret-value",
      // Imported by ARN, because CDK would add a statement to a key of its own app, beside policies/KMS_policy.json.
      encryptionKey: kms.Key.fromKeyArn(this, 'SecretKey', key.keyArn),
      removalPolicy: RemovalPolicy.DESTROY,
    });
    acknowledge(
      secret,
      'SMG4',
      'X has no API that issues a new bearer token: a person creates one in the developer portal and stores it here, and steps read it at each run',
    );
    guardSecret(secret, { readers: [roles.DataIngestionRole.roleArn] });
    allow(secret, 'Read', roles.DataIngestionRole, [
      { actions: ['secretsmanager:GetSecretValue'], resources: [secret.secretArn] },
    ]);
    return secret;
  }
}
