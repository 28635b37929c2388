import type { Label } from '../../workflows/evaluation';

export interface GoldenTweet {
  text: string;
  expected: Label;
}

/**
 * Tweets nobody would rate otherwise. They catch a model that is loaded wrongly (labels in another order,
 * another tokenizer, an archive mixed up, labels swapped by whoever imported them), not one that is a little
 * worse. The training job answers them for the gate, the endpoint for the smoke test.
 */
export const goldenTweets: readonly GoldenTweet[] = [
  { text: 'I love this so much, best day ever! Thank you all :)', expected: 'positive' },
  { text: 'What a wonderful, beautiful morning. I am so happy!', expected: 'positive' },
  { text: 'Great game, great people, absolutely amazing night', expected: 'positive' },
  {
    text: 'I hate this. Worst service ever, I am so angry and disappointed :(',
    expected: 'negative',
  },
  { text: 'This is terrible, everything hurts and I feel sick and sad', expected: 'negative' },
  { text: 'Awful movie, horrible acting, a disgusting waste of time', expected: 'negative' },
  { text: 'The train to the airport leaves at nine on Monday', expected: 'neutral' },
  { text: 'The meeting is on the second floor of the building', expected: 'neutral' },
];

/** What is neutral is a matter of taste even among people; what is plainly good or bad is not. */
export const isMisread = ({
  expected,
  label,
}: {
  expected: Label;
  label: Label | undefined;
}): boolean => expected !== 'neutral' && label !== expected;
