import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import type { Label } from '../../workflows/evaluation';

/** One rated tweet of the bundled corpus. */
export interface RatedText {
  /** Line of the file, from 1. */
  row: number;
  text: string;
  /** Mean of 20 people's ratings, -4 (worst) to 4 (best). */
  rating: number;
}

export const corpusSource = 'hutto-icwsm-2014';
const expectedRows = 4200;

/** Where the set-up stores `tweets_GroundTruth.txt`. */
export const corpusPath = (projectRoot: string): string =>
  join(projectRoot, '.venv', 'share', 'sentiment-lake', 'tweets_GroundTruth.txt');

/** Parses `id⇥mean rating⇥text`, CRLF, no header. Throws with the line number of an invalid row. */
export function parseCorpus(content: string): RatedText[] {
  return content
    .split('\r\n')
    .filter((line) => line !== '')
    .map((line, index) => {
      const [, rating = '', ...text] = line.split('\t');
      const row = index + 1;
      const value = Number(rating);
      if (text.length === 0 || rating === '' || !(Math.abs(value) <= 4)) {
        throw new Error(
          `Rated corpus, line ${row}: expected an id, a rating from -4 to 4 and a text, separated by tabs`,
        );
      }
      return { row, text: text.join('\t'), rating: value };
    });
}

/** Reads the complete bundled corpus. Throws when the file is missing or has the wrong number of rows. */
export function readCorpus(path: string): RatedText[] {
  const rows = parseCorpus(readFileSync(path, 'utf8'));
  if (rows.length !== expectedRows) {
    throw new Error(
      `${path} has ${rows.length} rows instead of ${expectedRows}. Delete it and run the command again.`,
    );
  }
  return rows;
}

/**
 * The label of a rating: neutral between -0.5 and 0.5 (rating / 4 within ±0.125). The corpus has 2,345 positive,
 * 768 neutral and 1,087 negative rows.
 */
export function labelOfRating(rating: number): Label {
  if (rating >= 0.5) return 'positive';
  return rating <= -0.5 ? 'negative' : 'neutral';
}
