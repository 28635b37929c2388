import { randomBytes } from 'node:crypto';
import type { Readable } from 'node:stream';
import { datasets } from '../../workflows/datasets';
import type { Label } from '../../workflows/evaluation';
import { NO_TEXT_HASH } from '../../workflows/labels';
import { utcDay } from '../../functions/shared/clock';
import type { Workspace } from '../../session/workspace';
import type { Session } from '../../session/session';
import { records, runSql } from '../athena';
import { prepareQuery } from '../query';
import { counted } from '../run/stages';
import type { Screen } from '../screen';
import { agreement, describeAgreement } from './agreement';
import { draw, Unlabelled, type Drawn } from './draw';
import { slug } from './import';
import { labelsInLake, putLabels, type LabelRecord } from './in-lake';
import { keystrokes } from './keys';

/** Stores labels during long pauses, so that a closed terminal loses few of them. */
const ANSWERS_A_WRITE = 5;
const DAY_MILLIS = 86_400_000;

interface Options {
  days: number;
  source: string;
}

export interface Labelled extends Drawn {
  label: Label;
}

/** `npm run lake -- label`: shows texts one by one and stores the person's labels. */
export async function labelByHand(
  lake: Pick<Workspace, 'signal'>,
  session: Session,
  screen: Screen,
  { days, source }: Options,
  input: Readable = process.stdin,
): Promise<number> {
  const texts = await unlabelledTexts(lake, session, days);
  if (texts.length === 0) {
    screen.say(
      `No tweet of the last ${counted(days, 'day')} lacks a human label. Run the pipeline, or look further back with --days.`,
    );
    return 0;
  }
  screen.say(
    `${counted(texts.length, 'text')} without a label. 1 negative, 2 neutral, 3 positive, s skips, q ends.`,
  );
  const store = labelStore(session, source);
  await ask(texts, { signal: lake.signal, screen, input, store });
  return 0;
}

/**
 * Texts of the last days that no person has labelled. The tables know a label after the next cleaning, so the labels
 * themselves are read, too.
 */
export async function unlabelledTexts(
  lake: Pick<Workspace, 'signal'>,
  session: Session,
  days: number,
): Promise<Unlabelled[]> {
  const from_day = utcDay(new Date(Date.now() - days * DAY_MILLIS));
  const { sql, literals } = prepareQuery(session.environment, 'tweets_to_label', { from_day });
  const [table, labelled] = await Promise.all([
    runSql(lake, session, sql, literals),
    labelsInLake(session),
  ]);
  return records(table)
    .map((row) => Unlabelled.parse(row))
    .filter(({ text_hash }) => text_hash !== NO_TEXT_HASH && !labelled.has(text_hash));
}

interface Dialogue {
  signal: AbortSignal;
  screen: Screen;
  input: Readable;
  store: (said: readonly Labelled[]) => Promise<string>;
  random?: () => number;
}

/** Asks until no text is left or the person quits. Stores all answers, even after an error. */
export async function ask(
  texts: readonly Unlabelled[],
  { signal, screen, input, store, random }: Dialogue,
): Promise<Labelled[]> {
  const said: Labelled[] = [];
  let stored = 0;
  const save = async () => {
    if (said.length === stored) return;
    const key = await store(said);
    stored = said.length;
    screen.say(`  ${counted(stored, 'label')} → ${key}${opinion(said)}`);
  };
  const tweets = draw(texts, random);
  let shown = show(screen, tweets);
  try {
    if (!shown) return said;
    for await (const answer of keystrokes(input, signal)) {
      if (answer === 'quit') break;
      if (answer === 'unknown') {
        screen.say('  1 negative, 2 neutral, 3 positive, s skips, q ends');
        continue;
      }
      if (answer !== 'skip') {
        said.push({ ...shown, label: answer });
        screen.say(`  ${answer}; ${predictions(shown)}`);
        if (said.length - stored >= ANSWERS_A_WRITE) await save();
      }
      shown = show(screen, tweets);
      if (!shown) break;
    }
  } finally {
    await save();
  }
  return said;
}

/** Shows the next text without any prediction, which could influence the answer. */
function show(screen: Screen, tweets: Generator<Drawn>): Drawn | undefined {
  const next = tweets.next();
  if (next.done) {
    screen.say('No text is left.');
    return undefined;
  }
  screen.say();
  screen.say(`“${next.value.text}”`);
  return next.value;
}

function predictions({ lexicon_label, model_label, model_confidence }: Unlabelled): string {
  const model =
    model_label === null || model_confidence === null
      ? 'no model prediction'
      : `model ${model_label} (${Math.round(model_confidence * 100)} %)`;
  return `lexicon ${lexicon_label}, ${model}`;
}

/** The agreement of person, lexicon and model on random texts only: on uncertain texts it would be too low. */
export function opinion(said: readonly Labelled[]): string {
  const random = said.filter(({ sampling }) => sampling === 'random');
  const withModel = random.flatMap(({ label, lexicon_label, model_label }) =>
    model_label === null ? [] : [{ label, lexicon_label, model_label }],
  );
  if (random.length === 0) return '';
  const pairs = [
    `you and the lexicon ${describeAgreement(agreement(random.map((one) => [one.label, one.lexicon_label])))}`,
    ...(withModel.length === 0
      ? []
      : [
          `you and the model ${describeAgreement(agreement(withModel.map((one) => [one.label, one.model_label])))}`,
          `lexicon and model ${describeAgreement(agreement(withModel.map((one) => [one.lexicon_label, one.model_label])))}`,
        ]),
  ];
  return `; agreement on random texts: ${pairs.join(', ')}`;
}

/** Writes all labels of this session to one object, which replaces the previous one; answers its key. */
export function labelStore(session: Session, givenSource: string): Dialogue['store'] {
  const source = slug(givenSource) || 'by-hand';
  const started = new Date().toISOString();
  const key = `${datasets.labels.prefix}${source}-${started.replace(/[^0-9]/g, '').slice(0, 14)}-${randomBytes(3).toString('hex')}.ndjson`;
  return async (said) => {
    const imported_at = new Date().toISOString();
    const rows = said.map(({ text_hash, text, label, sampling }): LabelRecord => ({
      text_hash,
      text,
      label,
      source,
      imported_at,
      sampling,
    }));
    await putLabels(session, key, rows);
    return key;
  };
}
