import { randomFrom, shuffled } from './random';

export interface Author {
  id: string;
  username: string;
  name: string;
  followers: number;
}

const first = (
  'amber brisk calm dusty eager faded gentle hazel idle jolly keen lunar mellow noble ochre plain ' +
  'quiet rapid sunny teal'
).split(' ');
const second = (
  'acorn badger canoe dune ember ferry gull harbor islet juniper kettle lantern meadow nettle otter ' +
  'pebble quarry robin sparrow thicket'
).split(' ');

const capital = (word: string): string => word.charAt(0).toUpperCase() + word.slice(1);

/** 400 invented authors (20 × 20 names) in a fixed random order. No account on X is meant. */
export const authors: readonly Author[] = shuffled(
  first.flatMap((a) => second.map((b) => [a, b] as const)),
  randomFrom('authors'),
).map(([a, b], rank) => ({
  id: String(2_100_000_000 + rank * 7919),
  username: `${a}_${b}`,
  name: `${capital(a)} ${capital(b)}`,
  // Zipf's law, as for real accounts: the n-th author has about 1/n of the first one's followers.
  followers: Math.round(52_000 / (rank + 1)) + 12,
}));

const weights = authors.map((_, rank) => 1 / (rank + 1));
const total = weights.reduce((sum, weight) => sum + weight, 0);

/** Draws an index of `authors`; the n-th author writes about 1/n as often as the first. */
export function drawAuthor(random: () => number): number {
  let left = random() * total;
  const rank = weights.findIndex((weight) => (left -= weight) < 0);
  return rank === -1 ? authors.length - 1 : rank;
}
