import { z } from 'zod';
import { verify } from '../account/verify/verify';
import { command, context as cdkContext, option, yes } from '../command';
import { EnvironmentName } from '../../infra/config';
import { withLake } from '../lake';
import { requestFrom, requestOptions } from '../run/request';

const { keywords, maxTweets, input } = requestOptions;

export default command({
  name: 'verify',
  group: 'Environments',
  about: 'Do a very small nightly run and check the deployed environment',
  examples: ['npm run verify -- --env dev', 'npm run verify -- --env local --max-tweets 30'],
  input: z.object({
    env: option('--env <name>', 'local, dev or prod', EnvironmentName),
    keywords,
    maxTweets,
    input,
    yes,
    context: cdkContext,
  }),
  run: (context, { env: environment, yes: sure, context: pairs, ...values }) =>
    withLake(context, environment, (session) =>
      verify(context.workspace, session, context.screen, {
        environment,
        yes: sure,
        context: pairs,
        input: requestFrom(values),
      }),
    ),
});
