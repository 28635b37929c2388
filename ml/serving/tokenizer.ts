import { Tokenizer } from '@huggingface/tokenizers';
import { z } from 'zod';

/** More characters than any tweet needs for 60 tokens; limits the cost of hostile texts. As in tokenizer.py. */
const MAX_CHARACTERS = 2_000;

const Definition = z.looseObject({
  model: z.looseObject({ vocab: z.record(z.string(), z.number().int().nonnegative()) }),
});

/** The model's `tokenizer.json`, giving the ids that ml/training/lstm/tokenizer.py gives. */
export class TweetTokenizer {
  private readonly words: ReadonlyMap<string, number>;
  private readonly normalize: (text: string) => string;
  private readonly split: (text: string) => string[];

  /** Throws an Error if `definition` is no tokenizer.json that begins with a normalizer and splits into known words. */
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
      throw new Error('tokenizer.json has no normalizer, or nothing that splits');
    this.words = new Map(Object.entries(parsed.model.vocab));
    // The library's own `encode` does the same, and then looks twice for added tokens, which this tokenizer has none of.
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

/** The first MAX_CHARACTERS code points: Python counts those, JavaScript UTF-16 units. */
function cut(text: string): string {
  if (text.length <= MAX_CHARACTERS) return text;
  return Array.from(text.slice(0, 2 * MAX_CHARACTERS))
    .slice(0, MAX_CHARACTERS)
    .join('');
}
