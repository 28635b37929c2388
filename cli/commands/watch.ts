import { z } from 'zod';
import { command, env, option, wholeNumber } from '../command';
import { withLakeAsItIs } from '../lake';
import { watchStream } from '../watch';

export default command({
  name: 'watch',
  group: 'Looking',
  about: 'Show tweets as they are ingested and scored',
  examples: ['npm run lake -- watch', 'npm run lake -- watch --seconds 600 --env dev'],
  input: z.object({
    seconds: option('--seconds <n>', 'how long to watch', wholeNumber.default(300)),
    env,
  }),
  run: (context, { seconds, env: place }) =>
    withLakeAsItIs(context, place, (session) =>
      watchStream(session, context.screen, context.workspace.signal, seconds),
    ),
});
