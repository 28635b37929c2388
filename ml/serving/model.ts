import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { loadNetwork, type NetworkOptions } from './network';
import { BATCH_SIZE, RunQueue, type Networks } from './queue';
import { TweetTokenizer } from './tokenizer';

/** `model.json` as ml/training/lstm/archive.py writes it; in schema 1 there is only one network. */
const Description = z.strictObject({
  schema_version: z.literal([1, 2]),
  model_version: z.string().min(1),
  labels: z.tuple([z.literal('negative'), z.literal('neutral'), z.literal('positive')]),
  max_tokens: z.number().int().positive(),
  pad_id: z.number().int().nonnegative(),
  unknown_id: z.number().int().nonnegative(),
  /** The network that serves. */
  network: z.enum(['model.onnx', 'model.int8.onnx']).default('model.onnx'),
  /** Checksums of all other files of the archive. */
  sha256: z.record(z.string().regex(/^[\w-][\w.-]*$/), z.string()),
});
type Description = z.infer<typeof Description>;

export interface Prediction {
  readonly label: 'negative' | 'neutral' | 'positive';
  /** Sum to 1. */
  readonly probabilities: {
    readonly negative: number;
    readonly neutral: number;
    readonly positive: number;
  };
  /** Tokens of the text that the vocabulary does not have; a text without tokens counts as one. */
  readonly unknownWords: number;
}

/** The files that the answers depend on, sorted. `verified` compares their checksums. */
const DIGESTED = ['model.int8.onnx', 'model.onnx', 'tokenizer.json'];

/** Starts the networks of other threads, each of which does a call at a time. */
export type StartOthers = (content: Buffer, options: NetworkOptions) => Promise<Networks['others']>;

/** The network, its tokenizer and its version, loaded from one archive. */
export class Model {
  readonly version: string;

  /**
   * SHA-256 of everything that the answers depend on. Training computes the same for the evaluation (`digest_of` in
   * ml/training/lstm/archive.py), which shows that the model that serves is the one that was evaluated.
   */
  readonly digest: string;

  private readonly unknownId: number;

  private constructor(
    description: Description,
    private readonly tokenizer: TweetTokenizer,
    private readonly queue: RunQueue,
  ) {
    this.version = description.model_version;
    this.unknownId = description.unknown_id;
    this.digest = digestOf(description);
  }

  /** Loads an unpacked archive. Throws an Error that names the missing, damaged or unknown file. */
  static async load(
    folder: string,
    startOthers: StartOthers = () => Promise.resolve([]),
  ): Promise<Model> {
    const description = parseDescription(read(folder, 'model.json'));
    const files = verified(folder, description);
    const network = part(files, description.network);
    const tokenizer = part(files, 'tokenizer.json');
    // The int8 network scales activations by the largest one in the batch, so an answer depends on the others.
    const isExact = description.network === 'model.onnx';
    const options = { padId: description.pad_id, cuts: isExact };
    return new Model(
      description,
      new TweetTokenizer(
        tokenizer.toString('utf8'),
        description.max_tokens,
        description.unknown_id,
      ),
      new RunQueue(
        {
          own: await loadNetwork(network, options),
          others: await startOthers(network, options),
        },
        isExact,
      ),
    );
  }

  /** One prediction per text, in the order of the texts. Throws RequestError 503 if too many texts wait. */
  async predict(texts: readonly string[]): Promise<Prediction[]> {
    this.queue.admit(texts.length);
    const encoded = texts.map((text, index) => ({ index, ids: this.tokenizer.encode(text) }));
    encoded.sort((one, other) => other.ids.length - one.ids.length);

    const predictions = new Array<Prediction>(texts.length);
    const runs = [];
    for (let start = 0; start < encoded.length; start += BATCH_SIZE) {
      const batch = encoded.slice(start, start + BATCH_SIZE);
      runs.push(
        this.queue.run(batch.map(({ ids }) => ids)).then((rows) =>
          batch.forEach(({ index, ids }, row) => {
            const unknown = ids.reduce((sum, id) => sum + (id === this.unknownId ? 1 : 0), 0);
            predictions[index] = toPrediction(rows.subarray(row * 3, row * 3 + 3), unknown);
          }),
        ),
      );
    }
    await Promise.all(runs);
    return predictions;
  }
}

function digestOf(description: Description): string {
  const { model_version, network, labels, max_tokens, pad_id, unknown_id, sha256 } = description;
  const settings = { model_version, network, labels, max_tokens, pad_id, unknown_id };
  const lines = [
    ...Object.entries(settings).map(([name, value]) => `${name} ${String(value)}\n`),
    ...DIGESTED.flatMap((name) =>
      sha256[name] === undefined ? [] : [`sha256 ${name} ${sha256[name]}\n`],
    ),
  ];
  return createHash('sha256').update(lines.join('')).digest('hex');
}

function read(folder: string, name: string): Buffer {
  try {
    return readFileSync(join(folder, name));
  } catch (error) {
    throw new Error(
      `${join(folder, name)} cannot be read: ${error instanceof Error ? error.message : String(error)}`,
    );
  }
}

function parseDescription(content: Buffer): Description {
  let value: unknown;
  try {
    value = JSON.parse(content.toString('utf8'));
  } catch {
    throw new Error('model.json is not JSON');
  }
  const parsed = Description.safeParse(value);
  if (!parsed.success)
    throw new Error(`model.json is not a model's description: ${z.prettifyError(parsed.error)}`);
  return parsed.data;
}

/** All files that the description names. Throws an Error if a checksum differs. */
function verified(folder: string, { sha256 }: Description): Map<string, Buffer> {
  return new Map(
    Object.entries(sha256).map(([name, expected]) => {
      const content = read(folder, name);
      const found = createHash('sha256').update(content).digest('hex');
      if (found !== expected)
        throw new Error(`${name} is damaged: its SHA-256 is ${found}, model.json says ${expected}`);
      return [name, content];
    }),
  );
}

function part(files: ReadonlyMap<string, Buffer>, name: string): Buffer {
  const content = files.get(name);
  if (!content) throw new Error(`model.json gives no checksum of ${name}`);
  return content;
}

function toPrediction(row: Float32Array, unknownWords: number): Prediction {
  const [negative = NaN, neutral = NaN, positive = NaN] = row;
  if (!Number.isFinite(negative + neutral + positive))
    throw new Error('the network returned a probability that is not a number');
  // The first of equal probabilities wins, as with numpy's argmax in the evaluation.
  const label =
    negative >= neutral && negative >= positive
      ? 'negative'
      : neutral >= positive
        ? 'neutral'
        : 'positive';
  return { label, probabilities: { negative, neutral, positive }, unknownWords };
}
