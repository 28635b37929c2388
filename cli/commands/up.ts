import { z } from 'zod';
import { command, option } from '../command';
import { up } from '../start';

export default command({
  name: 'up',
  group: 'Runs',
  about: 'Keep the embedded cloud running for any AWS client until Ctrl-C',
  examples: ['npm run up'],
  input: z.object({
    env: option(
      '--env <name>',
      'local: npm run up works on this computer only',
      z
        .enum(['local'], {
          error:
            'npm run up works on this computer only. For an account: npm run lake -- run --env dev',
        })
        .default('local'),
    ),
  }),
  needs: () => ({ cloud: true, portFor: 'npm run up', announce: true }),
  run: (context) => up(context),
});
