import type { EnvironmentName } from '../../infra/config';
import { settingsFor } from '../../infra/config';
import { steps } from '../../workflows/steps';
import { dollars, total } from './money';
import { standingCosts } from './standing';
import { awsCosts, xCosts, type Usage } from './night';

/** Days that a night's 24 hours touch. */
const days = 2;
const postsPerPage = 100;
/** Spark's start, and rows a second on two small workers: half of what one laptop does (docs/deploy.md). */
const sparkStartSeconds = 60;
const rowsPerSecond = 10_000;
/** Bringing image and data to the instance; epochs; examples a second, as on a laptop's two cores. */
const trainingStartSeconds = 120;
const epochs = 6;
const examplesPerSecond = 1_000;
/** The human labels that a model starts with; each night's tweets come on top. */
const labels = 4_139;
const endpointSeconds = 240;
const statesPerLook = 3;
const lambdaSecondsPerCall = 0.5;
const checks = 6;
const runsPerMonth = 30;

/** What a night of so many tweets uses, by the formula of docs/deploy.md. */
export function runOf(tweets: number, environment: EnvironmentName): Usage {
  const { poll } = settingsFor(environment);
  const pages = Math.ceil(tweets / postsPerPage);
  const glueSeconds = sparkStartSeconds + tweets / rowsPerSecond;
  const trainingSeconds = trainingStartSeconds + ((labels + tweets) * epochs) / examplesPerSecond;
  const looks =
    steps.length +
    glueSeconds / poll.clean +
    trainingSeconds / poll.train +
    endpointSeconds / poll.update;
  return {
    transitions: Math.ceil(looks) * statesPerLook,
    lambdaCalls: Math.ceil(looks),
    // A page takes about a second at X.
    lambdaSeconds: Math.ceil(looks) * lambdaSecondsPerCall + pages,
    crawls: 1,
    glueSeconds,
    trainingSeconds,
    athenaQueries: checks + days,
    scored: tweets,
    putRequests: pages * 2 + days * 4 + 20,
    posts: tweets,
    users: settingsFor(environment).x.authorNames ? tweets : 0,
  };
}

/** The lines of docs/deploy.md for a month without a run. */
export function standingTable(environment: EnvironmentName): string {
  const lines = standingCosts(settingsFor(environment));
  return [
    '| a month, without a run | how | US dollars |',
    '|---|---|---:|',
    ...lines.map(({ what, how, usd }) => `| ${what} | ${how} | ${dollars(usd)} |`),
    `| together | | ${dollars(total(lines))} |`,
  ].join('\n');
}

/** The table of docs/deploy.md: X first, then AWS, for a night and for a month of thirty. */
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
    '| tweets a night | X | AWS | night | X, month | AWS, month | month |',
    '|---:|---:|---:|---:|---:|---:|---:|',
    ...rows.map(
      (row) =>
        `| ${row.map((cell) => (typeof cell === 'number' ? dollars(cell) : cell)).join(' | ')} |`,
    ),
  ].join('\n');
}
