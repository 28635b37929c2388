import type { Label } from '../../workflows/evaluation';
import type { IngestTweetsOutput, RunReport } from '../../workflows/payloads';
import type { CostLine } from '../costs/money';
import type { Stage } from '../run/timeline';

/** Sentiment of one UTC day. */
export interface DaySentiment {
  day: string;
  tweets: number;
  negative: number;
  neutral: number;
  positive: number;
  /** Mean of -1, 0 and 1. */
  average: number;
}

/** An author with many tweets of one sentiment. */
export interface Contributor {
  sentiment: Label;
  author: string;
  tweets: number;
}

/** One tweet with its labels by a person, the lexicon and the model. */
export interface Opinion {
  text: string;
  human: Label;
  lexicon: Label;
  model: Label;
  /** The probability of the model's label. */
  confidence: number;
}

/** A model that the gate decided on, in the order of the decisions. */
export interface DecidedModel {
  version: string;
  execution: string;
  macroRecall: number | null;
  promoted: boolean;
  inService: boolean;
  /** The first rule that failed; null for a promoted model. */
  because: string | null;
}

/** How many tweets of the shown days were judged by whom. */
export interface Judges {
  people: number;
  model: number;
  lexicon: number;
}

/** The ingest's counts: by query, gaps, and windows that are still open. */
export type IngestCounts = Pick<
  IngestTweetsOutput,
  'queries' | 'gaps' | 'open' | 'month' | 'queued' | 'unanswered'
>;

/** Everything that is shown of a run, on the terminal and in the report. */
export interface ReportData {
  execution: string;
  status: string;
  startedAt: number;
  endedAt: number;
  redrives: number;
  summary: string;
  modelInService: string | null;
  /** How the newest tweets differ from the model's training; absent for runs of older releases. */
  drift?: RunReport['drift'];
  /** What the stream scorer had not taken. */
  stream?: RunReport['stream'];
  /** What the gate said of the run's candidate, a sentence for each rule; absent without one. */
  gate?: RunReport['gate'];
  stages: Stage[];
  /** null when the run requested no tweets. */
  ingest: IngestCounts | null;
  days: DaySentiment[];
  judges: Judges;
  /** Of this lake so far, oldest first. */
  models: DecidedModel[];
  contributors: Contributor[];
  opinions: Opinion[];
  /** Lines of the failure, if it failed. */
  failure: string[];
  aws: CostLine[];
  x: CostLine;
  /** Whether the tweets came from the X API stub, which charges nothing. */
  usesXStub: boolean;
}

/** Shown with every report on data of the X API stub. */
export const provenance =
  'Texts and ratings are real: tweets rated by 20 people each, reworded by their publishers (Hutto & Gilbert, ICWSM 2014). ' +
  'Authors and times are invented.';

const wantedLength = { from: 30, to: 110 };

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
