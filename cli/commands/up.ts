import { z } from 'zod';
import { command, localEnv } from '../command';
import { up } from '../start';

export default command({
  name: 'up',
  group: 'Runs',
  about: 'Keep the embedded cloud running for any AWS client until Ctrl-C',
  examples: ['npm run up'],
  input: z.object({ env: localEnv }),
  needs: () => ({ cloud: true, portFor: 'npm run up', announce: true }),
  run: (context) => up(context),
});
