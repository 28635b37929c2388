import { Template } from 'aws-cdk-lib/assertions';
import { settingsFor } from '../../infra/config';
import { systemClock, utcDay } from '../../functions/shared/clock';
import { storePage } from '../../functions/ingest/page';
import { newPlan } from '../../functions/ingest/plan';
import { hasSucceeded, rowsOf, startQuery } from '../../functions/lake/athena';
import type { AthenaContext } from '../../functions/lake/athena';
import type { LakeBucket } from '../../functions/lake/objects';
import { parseQuery } from '../../queries/catalog';
import { datasets, dayProjection } from '../../workflows/datasets';
import { dataStack } from '../infra/synthesis';
import { eachWithLake } from './support/each-with-lake';
import { put } from './support/launcher';

let lake: LakeBucket;
let athena: AthenaContext;

eachWithLake(async (fresh, launcher) => {
  lake = fresh;
  athena = await launcher.warehouse(lake, await launcher.catalog(lake));
});

async function query(sql: string): Promise<Record<string, string | null>[]> {
  const asked = parseQuery('ad_hoc', 'question', `-- Ad hoc?\n${sql}`);
  const id = await startQuery(athena, asked, {}, [sql, Date.now()]);
  while (!(await hasSucceeded(athena, id))) await systemClock.sleep(50);
  return rowsOf(athena, id, 100);
}

const refused = (reason: string, raw: string) => ({ reason, raw });

async function ingestRefuses(now: Date, ...records: { reason: string; raw: string }[]) {
  const counts = { received: records.length, written: 0, duplicates: 0, pages: 1 };
  const { plan } = newPlan('tea', 'keywords', 'run-1', now);
  await storePage(lake, plan, {
    run_id: 'run-1',
    fetched_at: now.toISOString(),
    server_time: now.toISOString(),
    counts: { ...counts, quarantined: records.length },
    rows: [],
    refused: records,
    newest_id: null,
    oldest_id: null,
    next_token: null,
  });
}

test('a question is answered as soon as a record was refused, by the ingest or by the cleaning job', async () => {
  const now = new Date();
  expect(await query('select count(*) as refused from quarantine')).toEqual([{ refused: '0' }]);
  await ingestRefuses(
    now,
    refused('id: is missing', '{"text": "no id",\n "n": 2126432269890486288}'),
    refused('text: is missing', '{"id": "1"}'),
  );
  const ofCleaning = { run_id: 'run-1', stage: 'clean', reason: 'id: missing', raw: '{}' };
  await put(
    lake,
    `${datasets.quarantine.prefix}dt=${utcDay(now)}/run-1-0-00000.ndjson`,
    `${JSON.stringify({ ...ofCleaning, refused_at: now.toISOString() })}\n`,
  );

  expect(await query('select count(*) as refused from quarantine')).toEqual([{ refused: '3' }]);
  expect(
    await query('select stage, count(*) as refused from quarantine group by stage order by stage'),
  ).toEqual([
    { stage: 'clean', refused: '1' },
    { stage: 'ingest', refused: '2' },
  ]);
  expect(await query("select raw, dt from quarantine where reason = 'id: is missing'")).toEqual([
    { raw: '{"text": "no id",\n "n": 2126432269890486288}', dt: utcDay(now) },
  ]);
});

test('it reaches as far back as refused records are kept', async () => {
  const daysAgo = (days: number) => new Date(Date.now() - days * 86_400_000);
  await ingestRefuses(daysAgo(31), refused('old', '{}'));
  await ingestRefuses(daysAgo(40), refused('gone in a moment', '{}'));

  expect(await query('select reason from quarantine')).toEqual([{ reason: 'old' }]);
});

test('the deployed table is declared so, for as long as the settings keep refused records', () => {
  const { keepDays } = settingsFor('dev');
  const stack = dataStack('dev', { keepDays: { ...keepDays, quarantine: 77 } });

  Template.fromStack(stack).hasResourceProperties('AWS::Glue::Table', {
    TableInput: {
      Name: 'quarantine',
      Parameters: {
        ...dayProjection(datasets.quarantine, 77),
        'projection.dt.range': 'NOW-79DAYS,NOW+1DAYS',
      },
    },
  });
});
