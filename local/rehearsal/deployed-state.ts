import { GetTemplateCommand } from '@aws-sdk/client-cloudformation';
import { LambdaClient, paginateListFunctions } from '@aws-sdk/client-lambda';
import { DescribeStateMachineCommand } from '@aws-sdk/client-sfn';
import { createHash } from 'node:crypto';
import type { Outputs } from '../cloud/stack';
import type { Rehearsal } from './rehearsal';

const hashOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex');

/**
 * What an update changes, by name: the state machine, every function's code and settings, and the templates that
 * CloudFormation believes are deployed.
 */
export async function deployedState(
  { connection, clients }: Pick<Rehearsal, 'connection' | 'clients'>,
  { StateMachineArn, BucketName, ...others }: Outputs,
): Promise<Record<string, string>> {
  const { definition, roleArn } = await clients.sfn.send(
    new DescribeStateMachineCommand({ stateMachineArn: StateMachineArn }),
  );
  const state: Record<string, string> = {
    'the state machine': hashOf([definition, roleArn]),
    'the outputs': hashOf([BucketName, others]),
  };
  const { forcePathStyle: _, ...config } = connection;
  const client = new LambdaClient(config);
  for await (const { Functions = [] } of paginateListFunctions({ client }, {})) {
    for (const {
      FunctionName = '',
      CodeSha256,
      Environment,
      Timeout,
      MemorySize,
      Role,
    } of Functions)
      state[`function ${FunctionName}`] = hashOf([
        CodeSha256,
        Environment,
        Timeout,
        MemorySize,
        Role,
      ]);
  }
  const machine = StateMachineArn.split(':').at(-1) ?? '';
  const environment = machine.replace(/^sentiment-lake-/, '');
  for (const kind of ['Data', 'Pipeline']) {
    const StackName = `SentimentLake-${environment}-${kind}`;
    const { TemplateBody } = await clients.cloudFormation.send(
      new GetTemplateCommand({ StackName }),
    );
    state[`template ${StackName}`] = hashOf(TemplateBody);
  }
  return state;
}
