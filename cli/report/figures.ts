import type { Opinion } from '../../console/contract';
import type { Label } from '../../workflows/evaluation';
import type { RunReport } from '../../workflows/payloads';
import type { CostLine } from '../costs/money';

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

/** What the terminal shows of a run that has ended. */
export interface ReportData {
  execution: string;
  status: string;
  startedAt: number;
  endedAt: number;
  modelInService: string | null;
  /** How the newest tweets differ from the model's training; absent for runs of older releases. */
  drift?: RunReport['drift'];
  /** What the stream scorer had not taken. */
  stream?: RunReport['stream'];
  /** What the gate said of the run's candidate, a sentence for each rule; absent without one. */
  gate?: RunReport['gate'];
  days: DaySentiment[];
  judges: Judges;
  /** Of this lake so far, oldest first. */
  models: DecidedModel[];
  contributors: Contributor[];
  opinions: Opinion[];
  aws: CostLine[];
  x: CostLine;
  /** Whether the tweets came from the X API stub, which charges nothing. */
  usesXStub: boolean;
}

/** Shown with everything on data of the X API stub. */
export const provenance =
  'Texts and ratings are real: tweets rated by 20 people each, reworded by their publishers (Hutto & Gilbert, ICWSM 2014). ' +
  'Authors and times are invented.';
