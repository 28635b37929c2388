import type { EnvironmentName } from '../../infra/config';
import { settingsFor } from '../../infra/config';
import { steps } from '../../workflows/steps';
import { dollars, total } from './money';
import { standingCosts } from './standing';
import { awsCosts, xCosts, type Usage } from './night';

/** Calendar days that a run's 24 hours of tweets touch. */
const days = 2;
const postsPerPage = 100;
/** Spark's start-up time, and rows per second on two small workers: half of a laptop's (docs/deploy.md). */
export const sparkStartSeconds = 60;
export const rowsPerSecond = 10_000;
/** Time to load image and data, number of epochs, and examples per second as measured on a laptop's two cores. */
const trainingStartSeconds = 120;
const epochs = 6;
const examplesPerSecond = 1_000;
/** The human labels of the first training set; a run's tweets join them, at most so many for each. */
const labels = 4_139;
const weakPerHuman = 3;
const endpointSeconds = 240;
/**
 * A new champion scores this many days again, in a transform job if they are many tweets: the start of its instance,
 * and tweets per second on its four processors, an assumption (two of a laptop's: docs/scale.md).
 */
export const rescoredDays = 8;
export const transformStartSeconds = 240;
export const transformedPerSecond = 5_000;
const statesPerLook = 3;
const lambdaSecondsPerCall = 0.5;
const checks = 6;
const runsPerMonth = 30;

/** The usage of a run with this number of tweets, by the formula of docs/deploy.md. */
export function runOf(tweets: number, environment: EnvironmentName): Usage {
  const { poll } = settingsFor(environment);
  const pages = Math.ceil(tweets / postsPerPage);
  const glueSeconds = sparkStartSeconds + tweets / rowsPerSecond;
  const examples = labels + Math.min(tweets, weakPerHuman * labels);
  const trainingSeconds = trainingStartSeconds + (examples * epochs) / examplesPerSecond;
  const rescored = rescoredDays * tweets;
  const transformSeconds =
    rescored > settingsFor(environment).scoring.endpointTweets
      ? transformStartSeconds + rescored / transformedPerSecond
      : 0;
  const looks =
    steps.length +
    glueSeconds / poll.clean +
    trainingSeconds / poll.train +
    transformSeconds / poll.refresh +
    endpointSeconds / poll.update;
  return {
    transitions: Math.ceil(looks) * statesPerLook,
    lambdaCalls: Math.ceil(looks),
    // X takes about a second for a page.
    lambdaSeconds: Math.ceil(looks) * lambdaSecondsPerCall + pages,
    crawls: 1,
    glueSeconds,
    trainingSeconds,
    transformSeconds,
    athenaQueries: checks + days,
    scored: tweets,
    putRequests: pages * 2 + days * 4 + 20,
    posts: tweets,
    users: settingsFor(environment).x.authorNames ? tweets : 0,
  };
}

/** The table of docs/deploy.md for a month without a run. */
export function standingTable(environment: EnvironmentName): string {
  const lines = standingCosts(settingsFor(environment));
  return [
    '| a month, without a run | how | US dollars |',
    '|---|---|---:|',
    ...lines.map(({ what, how, usd }) => `| ${what} | ${how} | ${dollars(usd)} |`),
    `| together | | ${dollars(total(lines))} |`,
  ].join('\n');
}

/** The table of docs/deploy.md: costs of X and AWS, for one run and for a month of thirty runs. */
export function costTable(environment: EnvironmentName): string {
  const settings = settingsFor(environment);
  const rows = [1_000, 10_000, 100_000].map((tweets) => {
    const usage = runOf(tweets, environment);
    const x = xCosts(usage, settings).usd;
    const aws = total(awsCosts(usage, settings));
    return [
      tweets.toLocaleString('en-US'),
      x,
      aws,
      x + aws,
      runsPerMonth * x,
      runsPerMonth * aws,
      runsPerMonth * (x + aws),
    ];
  });
  return [
    '| tweets a run | X | AWS | run | X, month | AWS, month | month |',
    '|---:|---:|---:|---:|---:|---:|---:|',
    ...rows.map(
      (row) =>
        `| ${row.map((cell) => (typeof cell === 'number' ? dollars(cell) : cell)).join(' | ')} |`,
    ),
  ].join('\n');
}
