import { z } from 'zod';
import { argument, command, env } from '../command';
import { withLake } from '../lake';
import { reproduce } from '../reproduce/reproduce';

export default command({
  name: 'reproduce',
  group: 'Model',
  about: 'Train a model again from its manifest, and compare the two',
  examples: ['npm run lake -- reproduce 20261124-021500-1a2b3c'],
  input: z.object({ version: argument('<version>', "the model's version", z.string()), env }),
  run: (context, { version, env: place }) =>
    withLake(context, place, (session) =>
      reproduce(context.workspace, session, context.screen, version),
    ),
});
