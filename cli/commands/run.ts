import { z } from 'zod';
import { command, env } from '../command';
import { requestFrom, requestOptions, runAndReport } from '../run/request';

export default command({
  name: 'run',
  group: 'Runs',
  about: 'Run the pipeline once',
  examples: ['npm run lake -- run', 'npm run lake -- run --env dev --max-tweets 500'],
  input: z.object({ ...requestOptions, env }),
  run: (context, values) => runAndReport(context, values.env, requestFrom(values)),
});
