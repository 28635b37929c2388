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
