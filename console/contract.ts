import type { Evaluation, Label } from '../workflows/evaluation';
import type { Drift } from '../workflows/payloads';

/*
 * What the console's page asks its server, and what it gets. The server (cli/console/) answers these shapes; the page
 * (console/page/) imports their types only. Times are Unix milliseconds, shares are from 0 to 1.
 */

/** `GET /api/overview` */
export interface Overview {
  environment: string;
  /** `this machine`, or the account with its region. */
  place: string;
  /** Whether the page may start, stop and redrive runs and store labels. */
  mayAct: boolean;
  /** Whether tweets come from the X API stub. */
  usesXStub: boolean;
  /** Where the stub's tweets come from, in a sentence; null for tweets of X. */
  provenance: string | null;
  modelInService: string | null;
  /** Whether this is a copy of some answers in a file, without a server. */
  isFrozen: boolean;
}

export type RunStatus = 'RUNNING' | 'SUCCEEDED' | 'FAILED' | 'ABORTED' | 'TIMED_OUT';

/** One row of `GET /api/runs`, newest first. */
export interface RunLine {
  name: string;
  status: RunStatus;
  startedAt: number;
  endedAt: number | null;
  redrives: number;
  /** Step Functions no longer has it; the lake's archive does. */
  isArchived: boolean;
  /** What the run reported, or the error that ended it. */
  summary: string;
}

export interface StageView {
  name: string;
  status: 'running' | 'done' | 'failed';
  startedAt: number;
  endedAt: number | null;
  /** What the step said, in a sentence. */
  text: string;
}

/** One pass through a state of the machine, Choice and Wait states included. */
export interface StateVisit {
  state: string;
  enteredAt: number;
  exitedAt: number | null;
  /** Their places in the run's `payloads`; null where the history has none. */
  input: number | null;
  output: number | null;
  /** Errors of its attempts; all but the last were retried. */
  errors: { error: string; cause: string }[];
}

/** `GET /api/runs/<name>`; a running run's is sent again with each change by `GET /api/runs/<name>/live`. */
export interface RunView {
  name: string;
  status: RunStatus;
  startedAt: number;
  endedAt: number | null;
  redrives: number;
  isArchived: boolean;
  input: string;
  output: string | null;
  summary: string;
  stages: StageView[];
  visits: StateVisit[];
  /** Inputs and outputs of the states as JSON, each once: most states hand on what they got. */
  payloads: string[];
  /** What went wrong and what to do next, line by line; empty unless the run failed. */
  failure: string[];
  /** Each sum with what it is made of; `holds` tells whether it adds up. */
  sums: { what: string; sum: string; holds: boolean }[];
  /** The ingest's sums by query; `complete` tells whether its window is. */
  queries: {
    name: string;
    complete: boolean;
    received: number;
    written: number;
    duplicates: number;
    quarantined: number;
    pages: number;
  }[];
  /** What the ingest could not or did not yet fetch, and what this month has read at X; null if it fetched nothing. */
  ingest: {
    gaps: Stretch[];
    open: Stretch[];
    /** `limit` is null where the settings name none. */
    month: { month: string; posts: number; limit: number | null };
  } | null;
  /** Every rule of the gate as a sentence that says whether it passed; null if no candidate was evaluated. */
  gate: {
    promote: boolean;
    reasons: string[];
    heldOutRows: number | null;
    /** In macro recall, from -1 to 1, with its interval: `minus the champion`. */
    differences: { what: string; value: number; low: number; high: number }[];
  } | null;
  /** The newest tweets beside those of the model's training; null for runs that did not compare. */
  drift: Drift | null;
  /** What the stream scorer had not taken at the end, in a sentence; null for runs that did not look. */
  stream: string | null;
  /** At the end of the run; null while there was none. */
  modelInService: string | null;
  /** From public list prices; `isReal` tells whether X charged for the tweets. */
  costs: { lines: { what: string; how: string; usd: number }[]; isReal: boolean };
  /** S3 addresses: history in the archive, report, manifest of the model. */
  records: { what: string; uri: string }[];
}

/** A stretch of time of one query; null where a bound is unknown. */
export interface Stretch {
  query: string;
  from: string | null;
  until: string | null;
  reason: string;
}

/** `GET /api/machine`: the state machine as its ASL says. */
export interface Machine {
  states: { name: string; type: string; isStart: boolean }[];
  moves: { from: string; to: string; label: string }[];
}

/** One of `GET /api/questions`. */
export interface Question {
  name: string;
  title: string;
  parameters: { name: string; type: string; default: string | null }[];
}

/** `POST /api/questions/<name>` and `POST /api/sql` */
export interface Result {
  sql: string;
  columns: string[];
  rows: (string | null)[][];
  /** Whether there are more rows than these. */
  isCut: boolean;
  milliseconds: number;
  /** Why there are no rows, where the console knows. */
  whyEmpty: string | null;
}

/** `GET /api/lake` */
export interface LakeView {
  prefixes: {
    prefix: string;
    objects: number;
    bytes: number;
    /** Whether there are more objects than were counted. */
    isCut: boolean;
    /** Why nothing was counted. */
    problem: string | null;
  }[];
  quarantine: { reason: string; records: number }[];
  gaps: Stretch[];
  open: Stretch[];
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

/** `GET /api/opinions` */
export interface Opinions {
  /** At most three: the model right where the lexicon is not, all of one opinion, and the model wrong. */
  opinions: Opinion[];
  /** So many of the newest tweets have all three labels. */
  compared: number;
}

/** One row of `GET /api/models`, newest first. */
export interface ModelLine {
  version: string;
  inService: boolean;
  decision: 'promoted' | 'refused';
  decidedAt: number;
  /** Name of the execution that decided. */
  execution: string;
  /** Why: each rule as a sentence, or by which run it was rolled back. */
  because: string[];
  gitCommit: string | null;
  macroRecall: number | null;
  low: number | null;
  high: number | null;
}

/** `GET /api/models/<version>` */
export interface ModelView {
  version: string;
  inService: boolean;
  /** As in the list; null for a model that is not registered. */
  line: ModelLine | null;
  evaluation: Evaluation | null;
  /** Why the evaluation cannot be shown. */
  problem: string | null;
  /** `manifest.json` as it is stored; null for models from before it was kept. */
  manifest: string | null;
}

export type Probabilities = Record<Label, number>;

/** `POST /api/predict` */
export interface Answered {
  modelVersion: string;
  label: Label;
  probabilities: Probabilities;
  /**
   * Each word and how much the answer's probability falls without it (leave one out); empty for texts with one word
   * or too many.
   */
  words: { word: string; falls: number }[];
}

/** `GET /api/labels`: the next text to label, without any prediction, which could influence the answer. */
export interface LabelQueue {
  text: { hash: string; text: string } | null;
  left: number;
  stored: number;
}

/** Sent with `POST /api/labels`; the answer is the next `LabelQueue`. */
export interface LabelGiven {
  hash: string;
  label: Label | 'skip';
}

/** The body of every answer that is not 200. */
export interface Problem {
  message: string;
}
