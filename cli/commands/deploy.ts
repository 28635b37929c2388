import { z } from 'zod';
import { deployTo } from '../account/deploy';
import { accountEnv, command, context, flag, yes } from '../command';

export default command({
  name: 'deploy',
  group: 'Environments',
  about: 'Check whether your AWS account is ready, then deploy into it',
  examples: ['npm run deploy -- --env dev', 'npm run deploy -- --env prod -c bucketName=my-lake'],
  input: z.object({
    env: accountEnv,
    yes,
    checkToken: flag('--check-token', 'request one page of posts from X, which X charges for'),
    context,
  }),
  run: ({ workspace, screen }, { env: environment, ...options }) =>
    deployTo(workspace, screen, { environment, ...options }),
});
