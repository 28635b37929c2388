import type { Drift } from '../../workflows/payloads';
import type { FunctionSettings } from '../settings/settings';

/** Tweets that have one value of a measure, in both periods. */
export interface Bucket {
  measure: string;
  bucket: string;
  new_tweets: number;
  reference_tweets: number;
}

/** A word, and the tweets that have it, in both periods. */
export type RisingWord = Omit<Bucket, 'measure' | 'bucket'> & { word: string };

type Measure = Extract<Drift, { status: 'COMPARED' }>['measures'][number];
type Limits = Pick<
  FunctionSettings['drift'],
  'minTweets' | 'maxPsi' | 'maxWordPsi' | 'maxAgreementLoss'
>;

/** What each measure of queries/questions/drift.sql is called; whether it is a share of agreement. */
const measures: Readonly<Record<string, { name: string; isAgreement?: true }>> = {
  model_label: { name: 'model labels' },
  lexicon_label: { name: 'lexicon labels' },
  confidence: { name: 'confidence' },
  unknown_words: { name: 'words unknown to the model' },
  length: { name: 'length' },
  language: { name: 'languages' },
  model_and_lexicon: { name: 'agreement of model and lexicon', isAgreement: true },
  model_and_people: { name: 'agreement of model and people', isAgreement: true },
  lexicon_and_people: { name: 'agreement of lexicon and people', isAgreement: true },
};

/**
 * Population stability index of two distributions over the same buckets: the sum of (p - q) ln(p / q). It is 0 for equal
 * ones. Half a tweet is added to each bucket, so that an empty one is no infinite difference.
 */
export function stabilityIndex(
  buckets: readonly Pick<Bucket, 'new_tweets' | 'reference_tweets'>[],
): number {
  const shareOf = (key: 'new_tweets' | 'reference_tweets') => {
    const all = sum(buckets.map((bucket) => bucket[key])) + buckets.length / 2;
    return (bucket: Pick<Bucket, typeof key>) => (bucket[key] + 0.5) / all;
  };
  const [p, q] = [shareOf('new_tweets'), shareOf('reference_tweets')];
  return sum(buckets.map((bucket) => (p(bucket) - q(bucket)) * Math.log(p(bucket) / q(bucket))));
}

/** Every measure, with its limit. One with too few tweets in either period has no value. */
export function measuresOf(
  buckets: readonly Bucket[],
  words: readonly RisingWord[],
  limits: Limits,
): Measure[] {
  const found = Object.entries(measures).map(([key, { name, isAgreement }]) => {
    const own = buckets.filter(({ measure }) => measure === key);
    return isAgreement ? agreement(name, own, limits) : distribution(name, own, limits);
  });
  return [...found, risingWord(buckets, words, limits)];
}

function distribution(
  name: string,
  buckets: readonly Bucket[],
  { minTweets, maxPsi }: Limits,
): Measure {
  const { newTweets, referenceTweets } = tweetsOf(buckets);
  const counted = { name, limit: maxPsi, newTweets, referenceTweets };
  const lack = tooFew(counted, minTweets);
  if (lack !== null) return { ...counted, value: null, change: lack };
  const moved = buckets.map((bucket) => ({
    bucket: bucket.bucket,
    before: bucket.reference_tweets / referenceTweets,
    now: bucket.new_tweets / newTweets,
  }));
  // Shares add up to 1: what falls is what others rise by.
  const [largest] = moved.toSorted((a, b) => b.now - b.before - (a.now - a.before));
  return {
    ...counted,
    value: rounded(stabilityIndex(buckets)),
    change: largest ? `${largest.bucket}: ${fromTo(largest)}` : '',
  };
}

/** How much smaller the share of tweets is on which two agree. A larger share is no drift. */
function agreement(
  name: string,
  buckets: readonly Bucket[],
  { minTweets, maxAgreementLoss }: Limits,
): Measure {
  const { newTweets, referenceTweets } = tweetsOf(buckets);
  const counted = { name, limit: maxAgreementLoss, newTweets, referenceTweets };
  const lack = tooFew(counted, minTweets);
  if (lack !== null) return { ...counted, value: null, change: lack };
  const agree = buckets.find(({ bucket }) => bucket === 'agree');
  const share = {
    before: (agree?.reference_tweets ?? 0) / referenceTweets,
    now: (agree?.new_tweets ?? 0) / newTweets,
  };
  return {
    ...counted,
    value: rounded(Math.max(0, share.before - share.now)),
    change: fromTo(share),
  };
}

/** The word whose presence in a tweet changed most: its index over two buckets, with and without the word. */
function risingWord(
  buckets: readonly Bucket[],
  words: readonly RisingWord[],
  { minTweets, maxWordPsi }: Limits,
): Measure {
  // Every tweet in a language of the model has one length.
  const { newTweets, referenceTweets } = tweetsOf(
    buckets.filter(({ measure }) => measure === 'length'),
  );
  const counted = { name: 'a new word', limit: maxWordPsi, newTweets, referenceTweets };
  const lack = tooFew(counted, minTweets);
  if (lack !== null) return { ...counted, value: null, change: lack };
  const [first] = words
    .map((word) => ({
      word: word.word,
      before: word.reference_tweets / referenceTweets,
      now: word.new_tweets / newTweets,
      index: stabilityIndex([
        word,
        {
          new_tweets: newTweets - word.new_tweets,
          reference_tweets: referenceTweets - word.reference_tweets,
        },
      ]),
    }))
    .toSorted((a, b) => b.index - a.index);
  return first
    ? { ...counted, value: rounded(first.index), change: `"${first.word}": ${fromTo(first)}` }
    : { ...counted, value: 0, change: 'no word is in more tweets than before' };
}

/** Measures beyond their limits, worst first. */
export const beyondLimit = (drift: Drift): Measure[] =>
  drift.status === 'COMPARED'
    ? drift.measures
        .filter(({ value, limit }) => value !== null && value > limit)
        .toSorted((a, b) => ofLimit(b) - ofLimit(a))
    : [];

/** A measure as a share of its limit. */
export const ofLimit = ({ value, limit }: Measure): number => (value ?? 0) / limit;

const tweetsOf = (buckets: readonly Bucket[]) => ({
  newTweets: sum(buckets.map(({ new_tweets }) => new_tweets)),
  referenceTweets: sum(buckets.map(({ reference_tweets }) => reference_tweets)),
});

const tooFew = (
  { newTweets, referenceTweets }: Pick<Measure, 'newTweets' | 'referenceTweets'>,
  least: number,
): string | null =>
  Math.min(newTweets, referenceTweets) >= least
    ? null
    : `too few tweets: ${newTweets} new, ${referenceTweets} to compare with, ${least} needed of each`;

const sum = (values: readonly number[]): number => values.reduce((a, b) => a + b, 0);
const rounded = (value: number): number => Number(value.toFixed(4));
const percent = (share: number): string => `${(100 * share).toFixed(1)} %`;
const fromTo = ({ before, now }: { before: number; now: number }): string =>
  `${percent(before)} before, ${percent(now)} now`;
