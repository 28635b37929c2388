import { z } from 'zod';
import { command, env } from '../command';
import { requestFrom, requestOptions, runAndReport } from '../run/request';

export default command({
  name: 'retrain',
  group: 'Runs',
  about: 'Train again on the data of the lake; searches for no tweets',
  examples: [
    'npm run lake -- retrain',
    `npm run lake -- retrain --input '{"training":{"epochs":6}}'`,
  ],
  input: z.object({ input: requestOptions.input, env }),
  run: (context, values) =>
    runAndReport(context, values.env, { ...requestFrom(values), mode: 'retrain' }),
});
