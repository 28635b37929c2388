import { z } from 'zod';
import { command, option } from '../command';
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
  ],
  input: z.object({
    ...requestOptions,
    env: option(
      '--env <name>',
      'local: npm start works on this computer only',
      z
        .enum(['local'], {
          error:
            'npm start works on this computer only. For an account: npm run lake -- run --env dev',
        })
        .default('local'),
    ),
  }),
  needs: () => ({ cloud: true, portFor: 'npm start', announce: true }),
  run: (context, values) => start(context, requestFrom(values)),
});
