import { ReplaceNormalizer, SequenceNormalizer, Tokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';

/** More characters than any tweet needs for 60 tokens; limits the cost of hostile texts. As in tokenizer.py. */
const MAX_CHARACTERS = 2_000;

const Definition = z.looseObject({
  model: z.looseObject({ vocab: z.record(z.string(), z.number().int().nonnegative()) }),
});

/** The model's `tokenizer.json`; gives the same ids as ml/training/lstm/tokenizer.py. */
export class TweetTokenizer {
  private readonly words: ReadonlyMap<string, number>;
  private readonly normalize: (text: string) => string;
  private readonly split: (text: string) => string[];

  /** Throws an Error if `definition` is not a tokenizer.json with a normalizer, a splitter and a vocabulary. */
  constructor(
    definition: string,
    private readonly maxTokens: number,
    private readonly unknownId: number,
  ) {
    const parsed = Definition.parse(JSON.parse(definition));
    const { normalizer, pre_tokenizer: preTokenizer } = new Tokenizer(parsed, {
      unk_token: '<unk>',
    });
    if (!normalizer || !preTokenizer)
      throw new Error('tokenizer.json has no normalizer or no pre_tokenizer');
    this.words = new Map(Object.entries(parsed.model.vocab));
    // The library's `encode` also looks twice for added tokens, which this tokenizer does not have.
    this.normalize = guarded(normalizer);
    this.split = (text) => preTokenizer.pre_tokenize(text);
  }

  /** Ids of a text, 1 to `maxTokens` of them. A text without tokens is one unknown token. */
  encode(text: string): number[] {
    const tokens = this.split(this.normalize(cut(wellFormed(text)))).slice(0, this.maxTokens);
    const ids = tokens.map((token) => this.words.get(token) ?? this.unknownId);
    return ids.length > 0 ? ids : [this.unknownId];
  }
}

type Step = (text: string) => string;

interface Normalizer {
  normalize(text: string): string;
}

/** Replacements that share a guard. Larger groups match too often, smaller ones have too many guards. */
const GROUP = 8;

/**
 * The normalizer in a third of its time. Most of its sixty replacements find nothing in most texts: a guard, one pattern
 * that matches where any of several replacements would, skips them all.
 */
function guarded(normalizer: Normalizer): Step {
  if (!(normalizer instanceof SequenceNormalizer)) return (text) => normalizer.normalize(text);
  const steps: Step[] = [];
  let group: ReplaceNormalizer[] = [];
  const close = () => {
    if (group.length > 0) steps.push(guardedGroup(group));
    group = [];
  };
  for (const one of normalizer.normalizers) {
    if (one instanceof ReplaceNormalizer && one.pattern && !BACKREFERENCE.test(one.pattern.source))
      group.push(one);
    else {
      close();
      if (one) steps.push((text) => one.normalize(text));
    }
    if (group.length === GROUP) close();
  }
  close();
  return (text) => steps.reduce((normalized, step) => step(normalized), text);
}

/** A number of a group would be another one in the guard. */
const BACKREFERENCE = /\\[1-9k]/;

/** A guard for the group, and one for each half, whose text the half before may have changed. */
function guardedGroup(group: readonly ReplaceNormalizer[]): Step {
  const [first] = group;
  if (first && group.length === 1) return (text) => first.normalize(text);
  const guard = new RegExp(group.map(({ pattern }) => `(?:${pattern?.source})`).join('|'), 'u');
  const before = guardedGroup(group.slice(0, group.length / 2));
  const after = guardedGroup(group.slice(group.length / 2));
  return (text) => (guard.test(text) ? after(before(text)) : text);
}

/** A lone surrogate, which JSON can carry, becomes U+FFFD, as on the Python side. */
function wellFormed(text: string): string {
  return /\p{Surrogate}/u.test(text) ? Buffer.from(text, 'utf8').toString('utf8') : text;
}

/** The first MAX_CHARACTERS code points, as in Python; JavaScript counts UTF-16 units. */
function cut(text: string): string {
  if (text.length <= MAX_CHARACTERS) return text;
  return Array.from(text.slice(0, 2 * MAX_CHARACTERS))
    .slice(0, MAX_CHARACTERS)
    .join('');
}
