import { z } from 'zod';
import { argument, command, env, json } from '../command';
import { printExecution, printExecutions } from '../history';
import { withLakeAsItIs } from '../lake';

export default command({
  name: 'history',
  group: 'Looking',
  about: 'List the executions, or show one state by state',
  examples: ['npm run lake -- history', 'npm run lake -- history nightly-20261124-021500 --json'],
  input: z.object({
    execution: argument('[execution]', 'name or ARN (default: all)', z.string().optional()),
    json,
    env,
  }),
  run: (context, { execution, json: asJson, env: place }) =>
    withLakeAsItIs(context, place, (session) =>
      execution === undefined
        ? printExecutions(session, context.screen, asJson)
        : printExecution(session, context.screen, execution, asJson),
    ),
});
