/*
 * What each role is meant to do with each place of the bucket, written down apart from the policies:
 * r reads, w writes, n writes new objects and replaces none, d removes, p removes versions for good. test/policies/no-more.test.ts holds the policies to it.
 */
export type Rights = '' | 'r' | 'w' | 'rw' | 'rd' | 'rn' | 'rp' | 'rwd';

export const columns = [
  'DataIngestionRole',
  'DataProcessingRole',
  'RunReporterRole',
  'MachineLearningRole',
  'ModelOperatorRole',
  'ServingRole',
  'AnalyticsRole',
  'LabellerRole',
  'CrawlStarterRole',
  'EndpointUpdaterRole',
] as const;
export type Column = (typeof columns)[number];

type Row = readonly [place: string, ...rights: Rights[]];

// prettier-ignore
const rows: readonly Row[] = [
  // an object                                                  ingestion   processing  reporter    learning    operator    serving     analysts    labellers   crawl       endpoint
  ['raw-data/tweets/dt=day/page.ndjson.gz',                   'rwd',      'r',        '',         '',         '',         '',         '',         '',         '',         ''],
  ['raw-data/labels/people.ndjson',                           '',         'r',        '',         'r',        'r',        '',         '',         'rw',       '',         ''],
  ['raw-data/corpora/people.jsonl.gz',                        '',         '',         '',         'r',        '',         '',         '',         'rw',       '',         ''],
  ['raw-data/quarantine/dt=day/run.ndjson',                   'rw',       'rwd',      '',         '',         'w',        '',         'r',        '',         '',         ''],
  ['raw-data/plans/plan.json',                                'rw',       '',         '',         '',         '',         '',         '',         '',         '',         ''],
  ['raw-data/plans/lock.json',                                'rw',       '',         'rw',       '',         '',         '',         '',         '',         '',         ''],
  ['raw-data/plans/ingest-lease.json',                        'rw',       '',         '',         '',         '',         '',         '',         '',         '',         ''],
  ['raw-data/plans/forgotten.json',                           'rw',       '',         '',         '',         '',         '',         '',         '',         '',         ''],
  ['raw-data/imports/mine/00000.ndjson.gz',                   'rp',       '',         '',         '',         '',         '',         '',         'w',        '',         ''],
  ['raw-data/parked/page.ndjson',                             'rwd',      '',         '',         '',         '',         '',         '',         '',         '',         ''],
  ['raw-data/elsewhere.json',                                 '',         '',         '',         '',         '',         '',         '',         '',         '',         ''],
  ['cleaned-data/tweets/dt=day/run=a/part',                   '',         'rwd',      'r',        'r',        'r',        '',         'r',        '',         '',         ''],
  ['cleaned-data/summaries/run.json',                         '',         'rwd',      'r',        '',         '',         '',         'r',        '',         '',         ''],
  ['processed-data/scored/dt=day/a.parquet',                  '',         '',         'r',        '',         'rwd',      '',         'r',        '',         '',         ''],
  ['processed-data/stream/shard.json',                        '',         '',         'r',        '',         'w',        '',         '',         '',         '',         ''],
  ['processed-data/query-results/runs/a.csv',                 '',         '',         'rw',       '',         'rw',       '',         '',         '',         '',         ''],
  ['processed-data/query-results/analysts/a.csv',             '',         '',         '',         '',         '',         '',         'rw',       '',         '',         ''],
  ['processed-data/query-results/scoring/job/input/dt=day/a',  '',         '',         '',         'r',        'rwd',      '',         '',         '',         '',         ''],
  ['processed-data/query-results/scoring/job/output/dt=day/a.out', '',     '',         '',         'w',        'rd',       '',         '',         '',         '',         ''],
  ['processed-data/query-results/a.csv',                      '',         '',         '',         '',         '',         '',         '',         '',         '',         ''],
  ['processed-data/audit/executions/a.json',                  '',         '',         'rn',       '',         '',         '',         'r',        '',         '',         ''],
  ['processed-data/executions/dt=day/run.json',               '',         '',         'rw',       '',         '',         '',         'r',        '',         '',         ''],
  ['processed-data/elsewhere.json',                           '',         '',         '',         '',         '',         '',         '',         '',         '',         ''],
  // Who trains cannot say who is champion or how good it is; who evaluates and promotes cannot change an archive.
  ['model-outputs/champion.json',                             '',         '',         'r',        '',         'rw',       '',         'r',        '',         '',         ''],
  ['model-outputs/latest-training.json',                      '',         '',         '',         '',         'rw',       '',         '',         '',         '',         ''],
  ['model-outputs/promotions.json',                           '',         '',         '',         '',         'rw',       '',         '',         '',         '',         ''],
  ['model-outputs/drift.json',                                '',         '',         'w',        '',         'r',        '',         '',         '',         '',         ''],
  ['model-outputs/drift-training.json',                       '',         '',         '',         '',         'rw',       '',         '',         '',         '',         ''],
  ['model-outputs/sl-job/input/request.json',                 '',         '',         '',         'r',        'rw',       '',         '',         '',         '',         ''],
  ['model-outputs/sl-job/output/model.tar.gz',                '',         '',         '',         'rw',       'r',        'r',        '',         '',         '',         ''],
  ['model-outputs/sl-job/output/output.tar.gz',               '',         '',         '',         'w',        'r',        '',         '',         '',         '',         ''],
  ['model-outputs/sl-job/evaluation.json',                    '',         '',         '',         '',         'rw',       '',         'r',        '',         '',         ''],
  ['model-outputs/sl-job/evaluation.html',                    '',         '',         '',         '',         'rw',       '',         'r',        '',         '',         ''],
  ['model-outputs/sl-job/manifest.json',                      '',         '',         'r',        '',         'rw',       '',         'r',        '',         '',         ''],
  ['model-outputs/sl-job/forgotten.json',                     '',         '',         'r',        '',         'r',        '',         'r',        '',         '',         ''],
  ['model-outputs/encoders/enc/encoder.npz',                  '',         '',         '',         'r',        'rw',       '',         '',         '',         '',         ''],
  ['model-outputs/reproductions/sl-job/output/output.tar.gz', '',         '',         '',         'w',        'r',        '',         'r',        '',         '',         ''],
  ['aws/lambda/mapping/shard/2026/11/24/batch',               '',         '',         '',         '',         'w',        '',         'r',        '',         '',         ''],
  ['elsewhere/a.json',                                        '',         '',         '',         '',         '',         '',         '',         '',         '',         ''],
];

export const intended: readonly { key: string; role: Column; rights: Rights }[] = rows.flatMap(
  ([key, ...rights]) => columns.map((role, index) => ({ key, role, rights: rights[index] ?? '' })),
);
