import { Tokenizer } from '@huggingface/tokenizers';
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
    this.normalize = (text) => normalizer.normalize(text);
    this.split = (text) => preTokenizer.pre_tokenize(text);
  }

  /** Ids of a text, 1 to `maxTokens` of them. A text without tokens is one unknown token. */
  encode(text: string): number[] {
    const tokens = this.split(this.normalize(cut(wellFormed(text)))).slice(0, this.maxTokens);
    const ids = tokens.map((token) => this.words.get(token) ?? this.unknownId);
    return ids.length > 0 ? ids : [this.unknownId];
  }
}

/** A lone surrogate, which JSON can carry, becomes U+FFFD, as on the Python side. */
function wellFormed(text: string): string {
  return Buffer.from(text, 'utf8').toString('utf8');
}

/** The first MAX_CHARACTERS code points, as in Python; JavaScript counts UTF-16 units. */
function cut(text: string): string {
  if (text.length <= MAX_CHARACTERS) return text;
  return Array.from(text.slice(0, 2 * MAX_CHARACTERS))
    .slice(0, MAX_CHARACTERS)
    .join('');
}
