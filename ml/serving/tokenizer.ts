import { Tokenizer } from '@huggingface/tokenizers';

/** More than 60 tokens of any tweet; bounds what a request of hostile texts costs. As in tokenizer.py. */
const MAX_CHARACTERS = 2_000;

/** The model's `tokenizer.json`, giving the ids that ml/training/lstm/tokenizer.py gives. */
export class TweetTokenizer {
  private readonly tokenizer: Tokenizer;

  constructor(
    definition: string,
    private readonly maxTokens: number,
    private readonly unknownId: number,
  ) {
    this.tokenizer = new Tokenizer(JSON.parse(definition), { unk_token: '<unk>' });
  }

  /** Ids of a text: at most `maxTokens`, and never none: a text without a token is one unknown token. */
  encode(text: string): number[] {
    const { ids } = this.tokenizer.encode(cut(wellFormed(text)), { add_special_tokens: false });
    const known = ids
      .slice(0, this.maxTokens)
      // Release 0.2.0 of the library answers undefined for an unknown word, whatever its types say.
      .map((id: number | undefined) => id ?? this.unknownId);
    return known.length > 0 ? known : [this.unknownId];
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
