import { z } from 'zod';
import { EnvironmentName } from '../../infra/config';
import { command, option } from '../command';
import { rehearse } from '../rehearsal/rehearse';

const inAccount = EnvironmentName.exclude(['local']);

export default command({
  name: 'rehearse',
  group: 'Environments',
  about: 'Rehearse the first hour of an AWS account in an embedded cloud of its own',
  examples: ['npm run rehearse -- --env dev', 'npm run rehearse -- --env dev,prod'],
  input: z.object({
    env: option(
      '--env <names>',
      'dev, prod or dev,prod',
      z
        .string()
        .transform((names) => names.split(','))
        .pipe(z.array(inAccount))
        .refine((names) => new Set(names).size === names.length, 'Name an environment once only.'),
    ),
  }),
  needs: () => ({ cloud: true, announce: true }),
  run: ({ workspace, screen }, { env }) => rehearse(workspace, screen, { environments: env }),
});
