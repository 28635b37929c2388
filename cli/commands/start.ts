import { z } from 'zod';
import { command, localEnv } from '../command';
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
  input: z.object({ ...requestOptions, env: localEnv }),
  needs: () => ({ cloud: true, portFor: 'npm start', announce: true }),
  run: (context, values) => start(context, requestFrom(values)),
});
