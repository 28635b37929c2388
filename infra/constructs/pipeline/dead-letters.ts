import { Duration } from 'aws-cdk-lib';
import type * as iam from 'aws-cdk-lib/aws-iam';
import type * as kms from 'aws-cdk-lib/aws-kms';
import * as sqs from 'aws-cdk-lib/aws-sqs';
import { Construct } from 'constructs';
import { acknowledge } from '../security/acknowledge';
import { allow } from '../security/grants';

export interface DeadLettersProps {
  readonly key: kms.IKey;
  /** A role that sends messages itself. EventBridge gets its permission from its targets. */
  readonly sender?: iam.IRole;
}

/** A queue for undelivered or unprocessed messages, kept for 14 days, the maximum of SQS. */
export class DeadLetters extends Construct {
  readonly queue: sqs.Queue;

  /** Lets the sender send. Lambda checks this when a queue becomes a destination, so destinations must depend on it. */
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
      'This is a dead-letter queue: only people read it, and a queue behind it would hold the same messages again',
    );
    this.sending =
      sender &&
      allow(this, 'Send', sender, [
        { actions: ['sqs:SendMessage'], resources: [this.queue.queueArn] },
      ]);
  }
}
