import { z } from 'zod';
import { command, env, option } from '../command';
import { runAndReport, span } from '../run/request';

export default command({
  name: 'replay',
  group: 'Runs',
  about: 'Send the stored tweets of past days to the stream again, and clean them again',
  examples: [
    'npm run lake -- replay --from 2026-11-22 --to 2026-11-23',
    'npm run lake -- replay --from 2026-11-22 --to 2026-11-22 --no-stream',
  ],
  input: z.object({
    ...span,
    stream: option('--no-stream', 'clean the days only', z.boolean()),
    env,
  }),
  run: (context, { from, to, stream, env: place }) =>
    runAndReport(context, place, { mode: 'replay', from, to, ...(!stream && { stream }) }),
});
