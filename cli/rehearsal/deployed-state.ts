import { GetTemplateCommand } from '@aws-sdk/client-cloudformation';
import { LambdaClient, paginateListFunctions } from '@aws-sdk/client-lambda';
import { DescribeStateMachineCommand } from '@aws-sdk/client-sfn';
import { createHash } from 'node:crypto';
import { lakeName, stackName } from '../../infra/naming';
import type { AccountEnvironment } from '../account/session';
import { clientConfig } from '../../session/clients';
import type { Outputs } from '../../session/stack';
import type { Rehearsal } from './rehearsal';

const hashOf = (value: unknown): string =>
  createHash('sha256').update(JSON.stringify(value)).digest('hex');

/**
 * Hashes of everything an update changes, by name: the state machine, every function's code and settings, and the
 * deployed templates according to CloudFormation.
 */
export async function deployedState(
  { connection, clients }: Pick<Rehearsal, 'connection' | 'clients'>,
  environment: AccountEnvironment,
  { StateMachineArn, BucketName, ...others }: Outputs,
): Promise<Record<string, string>> {
  const { definition, roleArn } = await clients.sfn.send(
    new DescribeStateMachineCommand({ stateMachineArn: StateMachineArn }),
  );
  const state: Record<string, string> = {
    'the state machine': hashOf([definition, roleArn]),
    'the outputs': hashOf([BucketName, others]),
  };
  const client = new LambdaClient(clientConfig(connection));
  const isOurs = (name: string) =>
    [lakeName(environment), `SentimentLake-${environment}`].some((lake) =>
      name.startsWith(`${lake}-`),
    );
  for await (const { Functions = [] } of paginateListFunctions({ client }, {})) {
    for (const {
      FunctionName = '',
      CodeSha256,
      Environment,
      Timeout,
      MemorySize,
      Role,
    } of Functions.filter(({ FunctionName: name = '' }) => isOurs(name)))
      state[`function ${FunctionName}`] = hashOf([
        CodeSha256,
        Environment,
        Timeout,
        MemorySize,
        Role,
      ]);
  }
  for (const kind of ['Data', 'Pipeline'] as const) {
    const StackName = stackName(environment, kind);
    const { TemplateBody } = await clients.cloudFormation.send(
      new GetTemplateCommand({ StackName }),
    );
    state[`template ${StackName}`] = hashOf(TemplateBody);
  }
  return state;
}
