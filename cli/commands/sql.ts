import { z } from 'zod';
import { printTable, runSql } from '../athena';
import { argument, command, env, json } from '../command';
import { withLakeAsItIs } from '../lake';

export default command({
  name: 'sql',
  group: 'Looking',
  about: 'Run one Athena statement on the tables of the lake',
  examples: [
    'npm run lake -- sql "select count(*) from tweets"',
    'npm run lake -- sql "select * from tweets limit 5" --json',
  ],
  input: z.object({
    statement: argument('<statement>', 'the statement, in quotation marks', z.string()),
    json,
    env,
  }),
  run: (context, { statement, json: asJson, env: place }) =>
    withLakeAsItIs(context, place, async (session) =>
      printTable(context.screen, await runSql(context.workspace, session, statement), asJson),
    ),
});
