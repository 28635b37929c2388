import { z } from 'zod';
import { printTable, runSql } from '../athena';
import { argument, command, env, json } from '../command';
import { withLakeAsItIs } from '../lake';
import { describeQueries, parametersFrom, prepareQuery } from '../query';

export default command({
  name: 'query',
  group: 'Looking',
  about: "Answer one of the project's questions; lists them if none is named",
  examples: [
    'npm run lake -- query',
    'npm run lake -- query daily_sentiment --from-day 2026-11-20',
    'npm run lake -- query top_contributors top=3 --json',
  ],
  input: z.object({
    name: argument('[name]', 'the question', z.string().optional()),
    parameters: argument(
      '[parameters...]',
      'its parameters: --top 3 or top=3',
      z
        .array(z.string())
        .default([])
        .transform((given, { addIssue }) => parametersFrom(given, addIssue)),
    ),
    json,
    env,
  }),
  anyOptions: true,
  more: () => describeQueries().join('\n'),
  needs: ({ name, env: place }) => ({ cloud: name !== undefined && place === 'local' }),
  run: async (context, { name, parameters, json: asJson, env: place }) => {
    if (name === undefined) {
      for (const line of describeQueries()) context.screen.say(line);
      return;
    }
    // A wrong name or value is rejected before a lake is booted.
    const { sql, literals } = prepareQuery(place, name, parameters);
    await withLakeAsItIs(context, place, async (session) =>
      printTable(context.screen, await runSql(context.workspace, session, sql, literals), asJson),
    );
  },
});
