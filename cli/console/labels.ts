import { isHeldOut } from '../../functions/model/held-out';
import type { LabelGiven, LabelQueue } from '../../console/contract';
import type { Session } from '../../session/session';
import type { Workspace } from '../../session/workspace';
import { labelStore, unlabelledTexts, type Labelled } from '../labels/by-hand';
import { draw, type Drawn } from '../labels/draw';
import { Refused } from './door';

/** Days that are looked back for texts. */
const DAYS = 8;

/**
 * The texts that a person labels on the page: those of `lake label`, drawn in the same way and stored in the same form,
 * one object for each start of the console. Each answer is stored at once.
 */
export class Labelling {
  private texts: Generator<Drawn> | null = null;
  private shown: Drawn | null = null;
  private left = 0;
  private leftHeldOut = 0;
  private readonly given: Labelled[] = [];
  private readonly store: (said: readonly Labelled[]) => Promise<string>;
  private storing: Promise<unknown> = Promise.resolve();

  constructor(
    private readonly lake: Pick<Workspace, 'signal'>,
    private readonly session: Session,
  ) {
    this.store = labelStore(session, 'console');
  }

  async next(): Promise<LabelQueue> {
    if (this.texts === null) {
      const texts = await unlabelledTexts(this.lake, this.session, DAYS);
      this.left = texts.length;
      this.leftHeldOut = texts.filter(({ text_hash }) => isHeldOut(text_hash)).length;
      this.texts = draw(texts);
      this.advance();
    }
    return this.queue();
  }

  /** Stores a label for the text that is shown, and shows the next. Throws Refused (409) for another text. */
  answer({ hash, label }: LabelGiven): Promise<LabelQueue> {
    const done = this.storing.then(async () => {
      if (this.shown?.text_hash !== hash)
        throw new Refused(409, 'Another page has labelled this text. Load the page again.');
      if (label !== 'skip') {
        const said: Labelled = { ...this.shown, label };
        await this.store([...this.given, said]);
        this.given.push(said);
      }
      this.advance();
      return this.queue();
    });
    // One after the other: each write replaces the object with all labels so far.
    this.storing = done.catch(() => undefined);
    return done;
  }

  private advance(): void {
    const next = this.texts?.next();
    this.shown = next === undefined || next.done === true ? null : next.value;
    if (this.shown === null) return;
    this.left -= 1;
    if (isHeldOut(this.shown.text_hash)) this.leftHeldOut -= 1;
  }

  private queue(): LabelQueue {
    const { shown } = this;
    return {
      text: shown && { hash: shown.text_hash, text: shown.text },
      left: this.left,
      leftHeldOut: this.leftHeldOut,
      stored: this.given.length,
    };
  }
}
