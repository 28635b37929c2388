import { z } from 'zod';
import { command, env } from '../command';
import { requestFrom, requestOptions, runAndReport, span } from '../run/request';

const { keywords, maxTweets, input } = requestOptions;

export default command({
  name: 'backfill',
  group: 'Runs',
  about: 'Search X for the tweets of past days; X answers for the last seven',
  examples: ['npm run lake -- backfill --from 2026-11-22 --to 2026-11-23 --max-tweets 300'],
  input: z.object({ ...span, keywords, maxTweets, input, env }),
  run: (context, { from, to, ...values }) =>
    runAndReport(context, values.env, { ...requestFrom(values), mode: 'backfill', from, to }),
});
