import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { InferenceSession, Tensor } from 'onnxruntime-node';
import { z } from 'zod';
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
}

/** The files that the answers depend on, sorted. `verified` compares their checksums. */
const DIGESTED = ['model.int8.onnx', 'model.onnx', 'tokenizer.json'];

/** Texts of one run of the network; they have similar lengths, because each is padded to the longest. */
const BATCH_SIZE = 64;

/** The network, its tokenizer and its version, loaded from one archive. */
export class Model {
  private constructor(
    private readonly description: Description,
    private readonly tokenizer: TweetTokenizer,
    private readonly session: InferenceSession,
  ) {}

  /** Loads an unpacked archive. Throws an Error that names the missing, damaged or unknown file. */
  static async load(folder: string, { threads }: { threads?: number } = {}): Promise<Model> {
    const description = parseDescription(read(folder, 'model.json'));
    const files = verified(folder, description);
    const network = part(files, description.network);
    const tokenizer = part(files, 'tokenizer.json');
    return new Model(
      description,
      new TweetTokenizer(
        tokenizer.toString('utf8'),
        description.max_tokens,
        description.unknown_id,
      ),
      // 3 is "errors only": the runtime warns about initializers it folds away.
      await InferenceSession.create(network, {
        logSeverityLevel: 3,
        ...(threads && { intraOpNumThreads: threads }),
      }),
    );
  }

  /**
   * SHA-256 of everything that the answers depend on. Training computes the same for the evaluation (`digest_of` in
   * ml/training/lstm/archive.py), which shows that the model that serves is the one that was evaluated.
   */
  get digest(): string {
    const { model_version, network, labels, max_tokens, pad_id, unknown_id, sha256 } =
      this.description;
    const settings = { model_version, network, labels, max_tokens, pad_id, unknown_id };
    const lines = [
      ...Object.entries(settings).map(([name, value]) => `${name} ${String(value)}\n`),
      ...DIGESTED.flatMap((name) =>
        sha256[name] === undefined ? [] : [`sha256 ${name} ${sha256[name]}\n`],
      ),
    ];
    return createHash('sha256').update(lines.join('')).digest('hex');
  }

  get version(): string {
    return this.description.model_version;
  }

  /** One prediction per text, in the order of the texts. */
  async predict(texts: readonly string[]): Promise<Prediction[]> {
    const encoded = texts.map((text, index) => ({ index, ids: this.tokenizer.encode(text) }));
    encoded.sort((one, other) => other.ids.length - one.ids.length);

    const predictions = new Array<Prediction>(texts.length);
    for (let start = 0; start < encoded.length; start += BATCH_SIZE) {
      const batch = encoded.slice(start, start + BATCH_SIZE);
      const rows = await this.run(batch.map(({ ids }) => ids));
      batch.forEach(({ index }, row) => {
        predictions[index] = toPrediction(rows.subarray(row * 3, row * 3 + 3));
      });
    }
    return predictions;
  }

  /** Probabilities, three for each row; rows must be sorted, longest first. */
  private async run(rows: readonly (readonly number[])[]): Promise<Float32Array> {
    const width = rows[0]?.length ?? 0;
    const ids = new BigInt64Array(rows.length * width).fill(BigInt(this.description.pad_id));
    rows.forEach((row, at) => row.forEach((id, column) => (ids[at * width + column] = BigInt(id))));
    const { probabilities } = await this.session.run({
      ids: new Tensor('int64', ids, [rows.length, width]),
      lengths: new Tensor(
        'int64',
        BigInt64Array.from(rows, (row) => BigInt(row.length)),
        [rows.length],
      ),
    });
    if (
      !(probabilities?.data instanceof Float32Array) ||
      probabilities.data.length !== rows.length * 3
    ) {
      throw new Error('the network did not return three probabilities per text');
    }
    return probabilities.data;
  }
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

function toPrediction(row: Float32Array): Prediction {
  const [negative = 0, neutral = 0, positive = 0] = row;
  // The first of equal probabilities wins, as with numpy's argmax in the evaluation.
  const label =
    negative >= neutral && negative >= positive
      ? 'negative'
      : neutral >= positive
        ? 'neutral'
        : 'positive';
  return { label, probabilities: { negative, neutral, positive } };
}
