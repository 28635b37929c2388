/*
 * What each role is meant to do with each place of the bucket, written down apart from the policies:
 * r reads, w writes, d removes. test/policies/no-more.test.ts holds the policies to it.
 */
export type Rights = '' | 'r' | 'w' | 'rw' | 'rwd';

export const columns = [
  'DataIngestionRole',
  'DataProcessingRole',
  'AnalyticsRole',
  'MachineLearningRole',
  'ModelOperatorRole',
  'ServingRole',
  'CrawlStarterRole',
  'EndpointUpdaterRole',
] as const;
export type Column = (typeof columns)[number];

type Row = readonly [place: string, ...rights: Rights[]];

// prettier-ignore
const rows: readonly Row[] = [
  // an object                                ingestion  processing  analytics  learning  operator  serving  crawl  endpoint
  ['raw-data/tweets/dt=day/page.ndjson.gz',   'rw',      'r',        '',        '',       '',       '',      '',    ''],
  ['raw-data/labels/people.ndjson',           'rw',      'r',        '',        'r',      'r',      '',      '',    ''],
  ['raw-data/corpora/people.jsonl.gz',        'rw',      '',         '',        'r',      '',       '',      '',    ''],
  ['raw-data/quarantine/dt=day/run.ndjson',   'rw',      'rwd',      '',        '',       '',       '',      '',    ''],
  ['raw-data/plans/plan.json',                'rw',      '',         '',        '',       '',       '',      '',    ''],
  ['raw-data/plans/lock.json',                'rw',      '',         'rw',      '',       '',       '',      '',    ''],
  ['raw-data/imports/mine/00000.ndjson.gz',   'rw',      '',         '',        '',       '',       '',      '',    ''],
  ['raw-data/parked/page.ndjson',             'rwd',     '',         '',        '',       '',       '',      '',    ''],
  ['raw-data/elsewhere.json',                 '',        '',         '',        '',       '',       '',      '',    ''],
  ['cleaned-data/tweets/dt=day/run=a/part',   '',        'rwd',      'r',       'r',      'r',      '',      '',    ''],
  ['cleaned-data/summaries/run.json',         '',        'rwd',      'r',       '',       '',       '',      '',    ''],
  ['processed-data/scored/dt=day/a.parquet',  '',        '',         'r',       '',       'rw',     '',      '',    ''],
  ['processed-data/query-results/a.csv',      '',        '',         'rw',      '',       'rw',     '',      '',    ''],
  ['processed-data/audit/executions/a.json',  '',        '',         'rw',      '',       '',       '',      '',    ''],
  ['processed-data/elsewhere.json',           '',        '',         '',        '',       '',       '',      '',    ''],
  // Who trains cannot say who is champion or how good it is; who evaluates and promotes cannot change an archive.
  ['model-outputs/champion.json',             '',        '',         'r',       '',       'rw',     '',      '',    ''],
  ['model-outputs/latest-training.json',      '',        '',         '',        '',       'rw',     '',      '',    ''],
  ['model-outputs/sl-job/input/request.json', '',        '',         '',        'r',      'rw',     '',      '',    ''],
  ['model-outputs/sl-job/output/model.tar.gz','',        '',         '',        'rw',     'r',      'r',     '',    ''],
  ['model-outputs/sl-job/output/output.tar.gz', '',      '',         '',        'w',      'r',      '',      '',    ''],
  ['model-outputs/sl-job/evaluation.json',    '',        '',         'r',       '',       'rw',     '',      '',    ''],
  ['model-outputs/sl-job/evaluation.html',    '',        '',         'r',       '',       'rw',     '',      '',    ''],
  ['model-outputs/encoders/enc/encoder.npz',  '',        '',         '',        'r',      'rw',     '',      '',    ''],
  ['model-outputs/reproductions/sl-job/output/output.tar.gz', '', '', 'r',      'w',      'r',      '',      '',    ''],
  ['elsewhere/a.json',                        '',        '',         '',        '',       '',       '',      '',    ''],
];

export const intended: readonly { key: string; role: Column; rights: Rights }[] = rows.flatMap(
  ([key, ...rights]) => columns.map((role, index) => ({ key, role, rights: rights[index] ?? '' })),
);
