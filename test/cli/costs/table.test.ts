import { readFileSync } from 'node:fs';
import { settingsFor } from '../../../infra/config';
import { total } from '../../../cli/costs/money';
import { awsCosts } from '../../../cli/costs/night';
import { costTable, runOf, standingTable } from '../../../cli/costs/table';

const page = readFileSync('docs/deploy.md', 'utf8');

test.each(['dev', 'prod'] as const)(
  'docs/deploy.md shows what the code computes for %s',
  (environment) => {
    expect(page).toContain(costTable(environment));
    expect(page).toContain(standingTable(environment));
  },
);

test('a real-time endpoint is paid by the hour, a serverless one by its work', () => {
  const usage = runOf(1000, 'dev');
  const dev = settingsFor('dev');
  const realtime = {
    ...dev,
    endpoint: { ...dev.endpoint, kind: 'realtime' as const, instances: 2 },
  };

  expect(total(awsCosts(usage, realtime)) - total(awsCosts(usage, dev))).toBeCloseTo(
    24 * 2 * 0.102,
    1,
  );
});

test('spot makes the training cheaper, and nothing else', () => {
  const usage = runOf(1000, 'dev');
  const dev = settingsFor('dev');
  const cost = (spot: boolean) => awsCosts(usage, { ...dev, training: { ...dev.training, spot } });

  const differing = cost(true)
    .filter(({ usd }, index) => usd !== cost(false)[index]?.usd)
    .map(({ what }) => what);

  expect(differing).toEqual(['SageMaker training']);
});

test('an instance whose price is not listed counts nothing, and says so', () => {
  const dev = settingsFor('dev');
  const settings = { ...dev, training: { ...dev.training, instanceType: 'ml.c7i.large' } };
  const line = awsCosts(runOf(1000, 'dev'), settings).find(
    ({ what }) => what === 'SageMaker training',
  );

  expect(line).toMatchObject({ usd: 0 });
  expect(line?.how).toContain('has no price of ml.c7i.large');
});
