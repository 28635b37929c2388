import { z } from 'zod';
import { command, localEnv, option } from '../command';
import { start } from '../start';
import { requestFrom, requestOptions } from '../run/request';

export default command({
  name: 'start',
  group: 'Runs',
  about: 'Start the embedded cloud and run the pipeline once, from search to report',
  examples: [
    'npm start',
    'npm start -- --keywords coffee,tea --max-tweets 300',
    'npm start -- --mode retrain',
    'npm start -- --no-console',
  ],
  input: z.object({
    ...requestOptions,
    console: option(
      '--no-console',
      'end after the run; on a terminal the console stays up',
      z.boolean(),
    ),
    env: localEnv,
  }),
  needs: () => ({ cloud: true, portFor: 'npm start', announce: true }),
  run: (context, values) => start(context, requestFrom(values), values.console),
});
