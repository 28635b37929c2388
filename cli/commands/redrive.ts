import { z } from 'zod';
import { argument, command, env } from '../command';
import { withLake } from '../lake';
import { finishRun } from '../report/finish';
import { findExecution, newestFailure, redriveRun } from '../run/launch';

export default command({
  name: 'redrive',
  group: 'Runs',
  about: 'Resume a failed execution at the state where it stopped',
  examples: ['npm run lake -- redrive', 'npm run lake -- redrive nightly-20261124-021500'],
  input: z.object({
    execution: argument(
      '[execution]',
      'name or ARN (default: the newest execution)',
      z.string().optional(),
    ),
    env,
  }),
  run: (context, { execution, env: place }) =>
    withLake(context, place, async (session) => {
      const { workspace, screen } = context;
      const failed =
        execution === undefined
          ? await newestFailure(session)
          : await findExecution(session, execution);
      return finishRun(
        workspace,
        session,
        screen,
        await redriveRun(workspace, session, screen, failed),
      );
    }),
});
