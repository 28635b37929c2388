import { z } from 'zod';
import { highestPrice, postsAndAuthors } from '../../functions/x/price';
import { settingsFor, type EnvironmentName } from '../../infra/config';
import { tweetSource } from '../../embedded/cloud/deploy';
import { RunMode } from '../../workflows/payloads';
import { option, wholeNumber, type Context } from '../command';
import { dollars } from '../costs/money';
import { bringLabels } from '../labels/bundled';
import { withLake } from '../lake';
import { finishRun } from '../report/finish';
import { checkInput, startRun } from './launch';

/** Input of an execution. */
export type Request = Readonly<Record<string, unknown>>;

const JsonObject = z.looseObject({}, { error: 'Give a JSON object, such as {"mode":"retrain"}.' });

/** Options of a run; the shorthands override `--input`. */
export const requestOptions = {
  mode: option('--mode <mode>', RunMode.options.join(', '), RunMode.optional()),
  keywords: option(
    '--keywords <words>',
    'search for these, separated by commas',
    z
      .string()
      .transform((words) =>
        words
          .split(',')
          .map((word) => word.trim())
          .filter((word) => word !== ''),
      )
      .pipe(z.array(z.string()).min(1, 'Give at least one word, such as love,hate.'))
      .optional(),
  ),
  maxTweets: option(
    '--max-tweets <n>',
    'most posts to read at X, which charges for each',
    wholeNumber.optional(),
  ),
  input: option(
    '--input <json>',
    "the execution's input as JSON: docs/commands.md",
    z
      .string()
      .transform((text, { addIssue }): unknown => {
        try {
          return JSON.parse(text);
        } catch (error) {
          addIssue(`This is not JSON (${error instanceof Error ? error.message : String(error)}).`);
          return z.NEVER;
        }
      })
      .pipe(JsonObject)
      .optional(),
  ),
};

const day = z.string().regex(/^\d{4}-\d{2}-\d{2}/, 'Give a day such as 2026-11-22.');
export const span = {
  from: option('--from <day>', 'first day, such as 2026-11-22', day),
  to: option('--to <day>', 'last day', day),
};

type Given = Partial<z.infer<z.ZodObject<typeof requestOptions>>>;

export const requestFrom = ({ input, mode, keywords, maxTweets }: Given): Request => ({
  ...input,
  ...(mode && { mode }),
  ...(keywords && { keywords }),
  ...(maxTweets && { maxTweets }),
});

/** Default limit of posts for a local run against X itself; the local settings suit the X API stub. */
const carefulMaxTweets = 500;

function sayPrice(
  { screen }: Pick<Context, 'screen'>,
  env: EnvironmentName,
  maxTweets: number,
): void {
  const { x } = settingsFor(env);
  screen.say(
    `X charges ${dollars(highestPrice(x, maxTweets))} at most for the ${postsAndAuthors(x, `${maxTweets} posts`)} that this run may read; --max-tweets sets another limit.`,
  );
}

/** Prints where tweets come from unless it is the X API stub; returns the input, with a limit on what X may charge. */
export function announceSource(
  { workspace, screen }: Pick<Context, 'workspace' | 'screen'>,
  request: Request,
): Request {
  const { url, standIn, token } = tweetSource(workspace);
  if (standIn) return request;
  screen.say(
    `Tweets come from ${url}${token === null ? ' (X_BEARER_TOKEN is not set)' : ', with your bearer token'}.`,
  );
  if (new URL(url).hostname !== 'api.x.com') return request;
  const careful = { maxTweets: carefulMaxTweets, ...request };
  const { maxTweets = carefulMaxTweets } = checkInput(careful);
  sayPrice({ screen }, 'local', maxTweets);
  return careful;
}

/** Prints what a run may cost at X before it starts; returns its input. */
function announceCosts(
  context: Pick<Context, 'workspace' | 'screen'>,
  env: EnvironmentName,
  request: Request,
): Request {
  const { mode, maxTweets = settingsFor(env).x.maxTweetsPerRun } = checkInput(request);
  // These modes read no posts.
  if (mode === 'retrain' || mode === 'replay' || mode === 'rollback') return request;
  if (env === 'local') return announceSource(context, request);
  sayPrice(context, env, maxTweets);
  return request;
}

/** Starts an execution, follows it and shows its results. Returns the exit code. */
export function runAndReport(
  context: Context,
  env: EnvironmentName,
  given: Request,
): Promise<number | void> {
  const { workspace, screen } = context;
  const request = announceCosts(context, env, given);
  const { mode } = checkInput(request);
  return withLake(context, env, async (session) => {
    if (env === 'local' && mode === 'nightly')
      await bringLabels(workspace, session, screen, 'following');
    return finishRun(
      workspace,
      session,
      screen,
      await startRun(workspace, session, screen, request),
    );
  });
}
