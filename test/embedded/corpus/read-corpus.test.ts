import { resolve } from 'node:path';
import { settingsFor } from '../../../infra/config';
import {
  corpusPath,
  labelOfRating,
  parseCorpus,
  readCorpus,
} from '../../../embedded/corpus/read-corpus';
import { compileQuery, indexed } from '../../../embedded/x-api/query';

const corpus = readCorpus(corpusPath(resolve(__dirname, '..', '..', '..')));

test('the bundled corpus has 4,200 rated texts with the published shares of labels', () => {
  const labels = corpus.map(({ rating }) => labelOfRating(rating));
  const of = (label: string) => labels.filter((other) => other === label).length;

  expect(corpus).toHaveLength(4200);
  expect([of('positive'), of('neutral'), of('negative')]).toEqual([2345, 768, 1087]);
});

test('the default keywords find most of it', () => {
  const { queries, language } = settingsFor('local').x;
  const keywords = queries.flatMap((query) => query.keywords ?? []);
  const matches = compileQuery(
    `(${keywords.map((word) => `"${word}"`).join(' OR ')}) lang:${language} -is:retweet`,
  );

  const found = corpus.filter(({ text }) => matches(indexed({ text, lang: 'en', username: 'a' })));

  expect(found.length / corpus.length).toBeGreaterThan(0.8);
});

test('a text keeps its tabs', () => {
  expect(parseCorpus('7\t-1.5\ta\tb\r\n')).toEqual([{ row: 1, rating: -1.5, text: 'a\tb' }]);
});

test.each(['1\tgood\ttext', '1\t\ttext', '1\t9\ttext', '1\t2'])(
  'a broken row is refused with its line: %j',
  (row) => {
    expect(() => parseCorpus(`1\t0\tfine\r\n${row}\r\n`)).toThrow(
      'Rated corpus, line 2: expected an id, a rating from -4 to 4 and a text, separated by tabs',
    );
  },
);
