import { LabelLine } from '../../functions/lake/labels';
import { ScoredRow } from '../../functions/model/scored';
import { RawTweetRow } from '../../functions/x/tweets';
import { datasets } from '../../workflows/datasets';

test.each([
  ['raw_tweets', RawTweetRow],
  ['labels', LabelLine],
  ['scored', ScoredRow],
] as const)(
  'a row of %s has the declared columns in their order, and the required ones',
  (name, { shape }) => {
    const { columns } = datasets[name];
    const takesNull = Object.entries(shape).map(([column, schema]) => [
      column,
      schema.safeParse(null).success,
    ]);

    expect(takesNull.map(([column]) => column)).toEqual(columns.map((column) => column.name));
    for (const { name: column, required } of columns)
      if (required) expect(takesNull).toContainEqual([column, false]);
  },
);
