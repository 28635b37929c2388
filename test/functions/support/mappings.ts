import { LambdaClient } from '@aws-sdk/client-lambda';

/** The one event source mapping a test needs, and what was changed of it. */
export class FakeMappings {
  readonly updates: object[] = [];
  readonly client = new LambdaClient({
    region: 'us-east-1',
    credentials: { accessKeyId: 'x', secretAccessKey: 'x' },
  });
  state = 'Disabled';

  constructor() {
    this.client.middlewareStack.add(
      (_, context) => async (args) => {
        if (context.commandName === 'UpdateEventSourceMappingCommand') {
          this.updates.push(args.input);
        }
        return { output: { State: this.state, $metadata: {} }, response: {} };
      },
      { step: 'initialize' },
    );
  }
}
