import { CloudTrailClient } from '@aws-sdk/client-cloudtrail';
import { SFNClient } from '@aws-sdk/client-sfn';
import { SNSClient } from '@aws-sdk/client-sns';
import { z } from 'zod';

const CONFIG = { region: 'us-east-1', credentials: { accessKeyId: 'x', secretAccessKey: 'x' } };

const Message = z.looseObject({ Subject: z.string(), Message: z.string() });

/** A topic that remembers what was published on it. */
export class FakeTopic {
  readonly messages: z.infer<typeof Message>[] = [];
  readonly client = new SNSClient(CONFIG);

  constructor() {
    this.client.middlewareStack.add(
      () => async (args) => {
        this.messages.push(Message.parse(args.input));
        return { output: { MessageId: '1', $metadata: {} }, response: {} };
      },
      { step: 'initialize' },
    );
  }
}

/** An execution that has ended, and its history in pages. */
export class FakeExecutions {
  readonly client = new SFNClient(CONFIG);
  execution: object = {};
  pages: object[][] = [[]];

  constructor() {
    this.client.middlewareStack.add(
      (_, context) => async (args) => {
        if (context.commandName === 'DescribeExecutionCommand') {
          return { output: { ...this.execution, $metadata: {} }, response: {} };
        }
        const at = 'nextToken' in args.input ? Number(args.input.nextToken ?? 0) : 0;
        const nextToken = at + 1 < this.pages.length ? String(at + 1) : undefined;
        const isReversed = 'reverseOrder' in args.input && args.input.reverseOrder === true;
        const events = isReversed ? this.pages.at(-1 - at)?.toReversed() : this.pages[at];
        return { output: { events, nextToken, $metadata: {} }, response: {} };
      },
      { step: 'initialize' },
    );
  }
}

const Lookup = z.object({
  LookupAttributes: z.array(z.object({ AttributeKey: z.string(), AttributeValue: z.string() })),
  StartTime: z.date(),
  EndTime: z.date(),
  NextToken: z.string().default('0'),
  MaxResults: z.number(),
});

/** CloudTrail, which shows a call as late as the test says. */
export class FakeCloudTrail {
  readonly client = new CloudTrailClient(CONFIG);
  readonly lookups: z.infer<typeof Lookup>[] = [];
  /** CloudTrail's records. */
  records: { eventName: string; eventTime: string; [field: string]: unknown }[] = [];
  /** Thrown by the next lookup. */
  refusal: Error | null = null;

  constructor() {
    this.client.middlewareStack.add(
      () => async (args) => {
        const input = Lookup.parse(args.input);
        this.lookups.push(input);
        if (this.refusal) throw this.refusal;
        const { LookupAttributes, StartTime, EndTime, NextToken, MaxResults } = input;
        const found = this.records.filter(({ eventName, eventTime }) => {
          const at = new Date(eventTime);
          return (
            eventName === LookupAttributes[0]?.AttributeValue && at >= StartTime && at <= EndTime
          );
        });
        const end = Number(NextToken) + MaxResults;
        const Events = found
          .slice(Number(NextToken), end)
          .map((record) => ({ CloudTrailEvent: JSON.stringify(record) }));
        const more = end < found.length ? { NextToken: String(end) } : {};
        return { output: { Events, ...more, $metadata: {} }, response: {} };
      },
      { step: 'initialize' },
    );
  }

  /** A start of an execution as CloudTrail records it. */
  started(executionArn: string, arn: string, more: object = {}, at = '2026-11-24T02:15:00Z'): void {
    this.records.push({
      eventName: 'StartExecution',
      eventTime: at,
      userIdentity: { type: 'AssumedRole', arn, ...more },
      sourceIPAddress: '203.0.113.7',
      requestParameters: { stateMachineArn: 'arn:machine' },
      responseElements: { executionArn },
    });
  }

  redriven(executionArn: string, arn: string, at = '2026-11-24T02:18:00Z'): void {
    this.records.push({
      eventName: 'RedriveExecution',
      eventTime: at,
      userIdentity: { type: 'AssumedRole', arn },
      requestParameters: { executionArn },
      responseElements: { redriveDate: at },
    });
  }
}
