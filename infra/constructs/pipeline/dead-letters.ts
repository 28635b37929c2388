import { Duration } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge } from '../security/acknowledge';
import { allow } from '../security/grants';

export interface DeadLettersProps {
  readonly key: kms.IKey;
  /** A role that puts messages in by itself; EventBridge is let in by its targets. */
  readonly sender?: iam.IRole;
}

/** Where what could not be delivered or processed is kept, for the two weeks that SQS keeps anything. */
export class DeadLetters extends Construct {
  readonly queue: sqs.Queue;

  /** Lets the sender send. Lambda asks for it when a queue becomes a destination: that has to wait for this. */
  readonly sending: iam.Policy | undefined;

  constructor(scope: Construct, id: string, { key, sender }: DeadLettersProps) {
    super(scope, id);
    this.queue = new sqs.Queue(this, 'Queue', {
      encryptionMasterKey: key,
      enforceSSL: true,
      retentionPeriod: Duration.days(14),
    });
    acknowledge(
      this.queue,
      'SQS3',
      'This is a dead-letter queue: nothing consumes it but people, and a queue behind it would hold the same again',
    );
    this.sending =
      sender &&
      allow(this, 'Send', sender, [
        { actions: ['sqs:SendMessage'], resources: [this.queue.queueArn] },
      ]);
  }
}
