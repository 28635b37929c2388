import { z } from 'zod';
import { command, env, option, wholeNumber } from '../command';
import { withLakeAsItIs } from '../lake';
import { labelByHand } from '../labels/by-hand';

export default command({
  name: 'label',
  group: 'Labels and data',
  about: 'Label tweets one by one: half random, half those the model is least sure of',
  examples: ['npm run lake -- label', 'npm run lake -- label --days 7 --source anna'],
  input: z.object({
    days: option('--days <n>', 'how many days to look back', wholeNumber.default(30)),
    source: option('--source <name>', 'whose labels they are', z.string().default('by-hand')),
    env,
  }),
  run: (context, values) =>
    withLakeAsItIs(context, values.env, (session) =>
      labelByHand(context.workspace, session, context.screen, values),
    ),
});
