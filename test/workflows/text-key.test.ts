import cases from '../fixtures/text-keys.json';
import { normaliseForKey, textHash } from '../../workflows/text-key';

test.each(cases)('keys $text as the Spark job does', ({ text, normalised, sha256 }) => {
  expect(normaliseForKey(text)).toBe(normalised);
  expect(textHash(text)).toBe(sha256);
});

test('a retweet has the key of what it repeats', () => {
  expect(textHash('RT @someone: What a day! https://t.co/xyz')).toBe(textHash('What a day!'));
});
