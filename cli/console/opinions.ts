import { z } from 'zod';
import type { Opinion, Opinions } from '../../console/contract';
import type { Session } from '../../session/session';
import type { Workspace } from '../../session/workspace';
import { Label } from '../../workflows/evaluation';
import { records } from '../athena';
import { answerQuestion } from './lake';

/** Newest tweets among which an example of each kind is looked for. */
const POOL = 1000;
const wantedLength = { from: 30, to: 110 };

const Figure = z.coerce.number();
const OpinionRow = z.object({
  text: z.string(),
  label: Label,
  label_source: z.literal('human'),
  lexicon_label: Label,
  model_label: Label,
  model_negative: Figure,
  model_neutral: Figure,
  model_positive: Figure,
});

/** Three tweets: the model right where the lexicon is not, both right, and the model wrong. */
export function pickOpinions(all: readonly Opinion[]): Opinion[] {
  const readable = all.filter(
    ({ text }) => text.length >= wantedLength.from && text.length <= wantedLength.to,
  );
  const kinds: ((opinion: Opinion) => boolean)[] = [
    ({ human, lexicon, model }) => model === human && lexicon !== human,
    ({ human, lexicon, model }) => model === human && lexicon === human,
    ({ human, model }) => model !== human,
  ];
  return kinds.flatMap((isKind) => readable.find(isKind) ?? all.find(isKind) ?? []);
}

/** Examples of what people, the lexicon and the model say of the newest tweets. */
export async function showOpinions(
  lake: Pick<Workspace, 'signal'>,
  session: Session,
): Promise<Opinions> {
  const answer = await answerQuestion(lake, session, 'tweets_with_predictions', {
    top: String(POOL),
  });
  // Tweets without a human label or a prediction have nothing to compare.
  const all = records(answer).flatMap((row): Opinion[] => {
    const { data } = OpinionRow.safeParse(row);
    if (data === undefined) return [];
    const confidence = {
      negative: data.model_negative,
      neutral: data.model_neutral,
      positive: data.model_positive,
    }[data.model_label];
    const { text, label, lexicon_label, model_label } = data;
    return [{ text, human: label, lexicon: lexicon_label, model: model_label, confidence }];
  });
  return { opinions: pickOpinions(all), compared: all.length };
}
