import { z } from 'zod';
import { argument, command, env, json } from '../command';
import { withLakeAsItIs } from '../lake';
import { UserError } from '../../session/user-error';
import { compareTwo } from '../compare-models';
import { printComparison, printModels } from '../models';

export default command({
  name: 'models',
  group: 'Model',
  about: 'List the registered models, or compare two of them',
  examples: [
    'npm run lake -- models',
    'npm run lake -- models compare sl-20261124-0a1b2c3d4e5f sl-20261125-5f4e3d2c1b0a',
  ],
  input: z.object({
    action: argument('[action]', 'compare', z.literal('compare').optional()),
    versions: argument('[versions...]', 'two versions to compare', z.array(z.string()).default([])),
    json,
    env,
  }),
  run: (context, { action, versions, json: asJson, env: place }) =>
    withLakeAsItIs(context, place, async (session) => {
      if (action === undefined) return printModels(session, context.screen, asJson);
      const [first, second, ...more] = versions;
      if (first === undefined || second === undefined || more.length > 0)
        throw new UserError('Name two models: npm run lake -- models compare <A> <B>', 2);
      const comparison = await compareTwo(context.workspace, session, [first, second]);
      return printComparison(context.screen, comparison, asJson);
    }),
});
