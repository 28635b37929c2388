import { z } from 'zod';
import { argument, command, env, json } from '../command';
import { withLakeAsItIs } from '../lake';
import { printPrediction } from '../predict';

export default command({
  name: 'predict',
  group: 'Looking',
  about: 'Predict the sentiment of a text with the model in service',
  examples: [
    'npm run lake -- predict "what a day!"',
    'npm run lake -- predict "what a day!" --json --env dev',
  ],
  input: z.object({
    text: argument('<text>', 'the text, in quotation marks', z.string()),
    json,
    env,
  }),
  run: (context, { text, json: asJson, env: place }) =>
    withLakeAsItIs(context, place, (session) =>
      printPrediction(session, context.screen, text, asJson),
    ),
});
