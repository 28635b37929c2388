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

/** Who started a run. What the input says, its writer may have invented; what CloudTrail says is proven. */
export interface StarterView {
  /** In some words, for a table. */
  text: string;
  /** An ARN, or what the input says; null if nothing does. */
  who: string | null;
  source: 'CloudTrail' | 'input' | 'unknown';
  with: 'schedule' | 'command line' | 'console' | 'other';
  /** What the input says, whatever CloudTrail does. */
  claimed: string | null;
  /** ARN of who redrove it last; null if that is unknown, or never was. */
  redrivenBy: string | null;
}

/** One row of `GET /api/runs`, newest first. */
export interface RunLine {
  name: string;
  status: RunStatus;
  startedAt: number;
  endedAt: number | null;
  redrives: number;
  /** Step Functions no longer has it; the lake's archive does. */
  isArchived: boolean;
  /** Null for older runs, whose input is not read for the list. */
  startedBy: StarterView | null;
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
  startedBy: StarterView;
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

/** `GET /api/audit/<version>`: who made a model, of which tweets, labels and code, and who decided on it. */
export interface AuditView {
  version: string;
  inService: boolean;
  /** The execution that trained it; null if its manifest or that execution is gone. */
  trained: { execution: string; startedAt: number; startedBy: StarterView } | null;
  /** The execution that decided on it last; null for a model that is not registered. */
  decided: {
    decision: 'promoted' | 'refused';
    at: number;
    execution: string;
    startedBy: StarterView | null;
  } | null;
  /** Null if the manifest is gone, or of a release that did not say it. */
  commit: string | null;
  /** Whether the code had changes that are in no commit. */
  isDirty: boolean;
  images: { training: string; serving: string } | null;
  /** Snapshots of days that the training was given, and their rows. */
  days: { date: string; version: string; rows: number }[];
  /** Objects of labels, each as it was then. */
  labels: { uri: string; etag: string }[];
  /** Human labels by what they were used for; null if the manifest does not say. */
  labelRows: { train: number; validation: number; heldOut: number } | null;
  /** Whether its input has held tweets that were erased later, in words; null if not. */
  forgotten: string | null;
  /** S3 addresses of manifest, history and evaluation. */
  records: { what: string; uri: string }[];
  /** What could not be found, sentence by sentence. */
  missing: string[];
}

/** `GET /api/drift`: what the newest runs reported, oldest first. */
export interface DriftView {
  runs: { runId: string; execution: string; date: string; drift: Drift }[];
  /** How many of the newest reports were looked at; those of ingests and skipped runs hold no drift. */
  lookedAt: number;
  /** Reports that could not be read. */
  unreadable: number;
}

/** A model's figures in a comparison. `interval` is of the macro recall. */
export interface ComparedModel {
  version: string;
  macroRecall: number;
  interval: { low: number; high: number };
  accuracy: number;
  macroF1: number;
  recall: Record<Label, number>;
  calibrationError: number;
  heldOut: { rows: number; sha256: string };
}

/** `GET /api/compare/<first>/<second>` */
export interface Comparison {
  first: ComparedModel;
  second: ComparedModel;
  sameHeldOutRows: boolean;
  /** Macro recall of the second minus that of the first. */
  difference: {
    value: number;
    low: number;
    high: number;
    /** Of the interval. */
    level: number;
    /** `paired`: measured on the same rows by one training; `independent`: of the two intervals, and so wider. */
    how: 'paired' | 'independent';
    /** Whether the interval leaves out 0. */
    isMoreThanChance: boolean;
  };
  /** Tweets of the last days that both scored, and those of which the second is surest; null if there is none. */
  tweets: {
    both: number;
    differ: number;
    shown: { text: string; first: Label; second: Label; secondConfidence: number }[];
  } | null;
}

/** `GET /api/labels/needed` */
export interface LabelsNeeded {
  /** What the interval of the model in service stands on; null without one, or if `problem` says why. */
  champion: {
    version: string;
    rows: number;
    macroRecall: number;
    low: number;
    high: number;
    level: number;
    /** Held-out rows at which the half-width is `target`, by 1/sqrt(rows). */
    rowsForTarget: number;
  } | null;
  problem: string | null;
  /** Half-width that is aimed at, as a share. */
  target: number;
  /** Held-out rows that the labels in the lake give now; null if the labels may not be read. */
  heldOutNow: { rows: number; perClass: Record<Label, number> } | null;
  /** Labels of random texts that are missing, of which a fifth is held out. */
  labelsMissing: number | null;
  /** Rules of the gate and comparisons of the newest candidate that more rows would decide. */
  waiting: { rule: string; now: string; needed: string }[];
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

/** `POST /api/lexicon`: what VADER's rules make of a text. */
export interface LexiconOpinion {
  /** `rating`: of the word in the list, from -4 to 4; `counts`: after negation, boosters, capitals and "but". */
  opinion: {
    label: Label;
    /** From -1 to 1; below -0.05 negative, above 0.05 positive. */
    compound: number;
    words: { word: string; rating: number; counts: number }[];
  } | null;
  /** What is missing on this machine. */
  problem: string | null;
}

/** `GET /api/labels`: the next text to label, without any prediction, which could influence the answer. */
export interface LabelQueue {
  text: { hash: string; text: string } | null;
  left: number;
  /** How many of `left` a label would bring to the held-out rows, if they are drawn at random. */
  leftHeldOut: number;
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
