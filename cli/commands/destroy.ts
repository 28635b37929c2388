import { z } from 'zod';
import { destroyIn } from '../account/destroy';
import { accountEnv, command, flag, option, yes } from '../command';

export default command({
  name: 'destroy',
  group: 'Environments',
  about: 'Delete every billable resource from your AWS account; keep the data',
  examples: ['npm run destroy -- --env dev', 'npm run destroy -- --env dev --delete-data'],
  input: z.object({
    env: accountEnv,
    yes,
    deleteData: flag('--delete-data', 'delete the data, too'),
    confirm: option(
      '--confirm <bucket>',
      'name of the bucket to delete, where nobody can be asked',
      z.string().optional(),
    ),
  }),
  run: ({ workspace, screen }, { env: environment, confirm = null, ...options }) =>
    destroyIn(workspace, screen, { environment, confirm, ...options }),
});
