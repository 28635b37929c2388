import { z } from 'zod';
import { command, env, flag, option, wholeNumber } from '../command';
import { openConsole } from '../console/open';
import { CONSOLE_PORT } from '../console/serve';

export default command({
  name: 'console',
  group: 'Looking',
  about: 'Show runs, lake and model in a page of your browser',
  examples: ['npm run console', 'npm run console -- --env dev', 'npm run console -- --port 4600'],
  input: z.object({
    port: option('--port <n>', 'port on 127.0.0.1', wholeNumber.default(CONSOLE_PORT)),
    allowStart: flag(
      '--allow-start',
      'let the page start runs and store labels in an account, too; on this machine it always may',
    ),
    env,
  }),
  run: (context, values) => openConsole(context, values),
});
