import { z } from 'zod';
import { argument, command, env } from '../command';
import { grantForce } from '../grant-force';
import { withLakeAsItIs } from '../lake';

export default command({
  name: 'grant-force',
  group: 'Model',
  about: 'Let one execution with "force": true promote a model that the gate rejects',
  examples: ['npm run lake -- grant-force "another kind of endpoint" --env dev'],
  input: z.object({ reason: argument('<reason>', 'why, in quotation marks', z.string()), env }),
  run: (context, { reason, env: place }) =>
    withLakeAsItIs(context, place, (session) => grantForce(session, context.screen, reason)),
});
