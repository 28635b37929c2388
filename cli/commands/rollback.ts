import { z } from 'zod';
import { argument, command, env } from '../command';
import { runAndReport } from '../run/request';

export default command({
  name: 'rollback',
  group: 'Model',
  about: 'Serve an earlier model again: the one before, or the version that you name',
  examples: ['npm run lake -- rollback', 'npm run lake -- rollback sl-20261124-0a1b2c3d4e5f'],
  input: z.object({
    version: argument('[version]', "a promoted model's version", z.string().optional()),
    env,
  }),
  run: (context, { version, env: place }) =>
    runAndReport(context, place, { mode: 'rollback', ...(version && { model: version }) }),
});
