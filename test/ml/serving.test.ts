import { execFileSync, spawn } from 'node:child_process';
import { once } from 'node:events';
import { IncomingMessage, request } from 'node:http';
import { connect } from 'node:net';
import { text } from 'node:stream/consumers';
import { setTimeout as sleep } from 'node:timers/promises';
import {
  appendFileSync,
  cpSync,
  mkdtempSync,
  readdirSync,
  readFileSync,
  rmSync,
  writeFileSync,
} from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { DescribeEndpointCommand, SageMakerClient } from '@aws-sdk/client-sagemaker';
import { SageMakerRuntimeClient } from '@aws-sdk/client-sagemaker-runtime';
import { z } from 'zod';
import { systemClock } from '../../functions/shared/clock';
import { predict as predictAt } from '../../functions/model/endpoint';
import { smokeTestEndpoint } from '../../functions/smoke-test-endpoint';
import { updateEndpoint } from '../../functions/update-endpoint';
import { settingsFor } from '../../infra/config';
import { createApp } from '../../ml/serving/app';
import { Model } from '../../ml/serving/model';
import { MAX_TEXTS } from '../../ml/serving/requests';
import { TweetTokenizer } from '../../ml/serving/tokenizer';
import { Evaluation } from '../../workflows/evaluation';
import type { Champion, StepInput } from '../../workflows/payloads';
import { stepInput, TRAINED } from '../functions/support/state';
import { allow, BUCKET, TestCloud, until } from '../embedded/gateway/cloud';
import { archive } from '../embedded/gateway/sagemaker/images';
import { programOf, repository, TinyModel } from './tiny-model';

const PythonAnswers = z.object({
  ids: z.array(z.array(z.number())),
  probabilities: z.array(z.array(z.number())),
});
const Probabilities = z.strictObject({
  negative: z.number(),
  neutral: z.number(),
  positive: z.number(),
});
const Prediction = z.strictObject({
  label: z.enum(['negative', 'neutral', 'positive']),
  probabilities: Probabilities,
  unknown_words: z.number().int().nonnegative(),
});
const Answer = z.strictObject({
  model_version: z.string(),
  model_digest: z.string(),
  predictions: z.array(Prediction),
});
const Refusal = z.strictObject({ error: z.string() });

const { entrypoint, workdir } = programOf('ml/serving/Dockerfile');

/** The bundled program in a process of its own, as the image runs it; jest's own realm confuses the native runtime. */
function start(mlRoot: string, environment: Record<string, string> = {}) {
  const child = spawn(process.execPath, [...entrypoint.slice(1), 'serve'], {
    cwd: workdir,
    env: { ...process.env, ML_ROOT: mlRoot, PORT: '0', HOST: '127.0.0.1', ...environment },
  });
  const output = { text: '' };
  for (const stream of [child.stdout, child.stderr])
    stream.on('data', (data: Buffer) => (output.text += data.toString()));
  return { child, output, exit: once(child, 'exit') };
}

/** Waits until the program serves. */
async function addressOf({ child, output }: ReturnType<typeof start>): Promise<string> {
  let port: string | undefined;
  while (!(port = /serving tiny-1 on 127\.0\.0\.1:(\d+)/.exec(output.text)?.[1]))
    await once(child.stdout, 'data');
  return `http://127.0.0.1:${port}`;
}

let tiny: TinyModel;
let serving: ReturnType<typeof start>;
let address: string;

beforeAll(async () => {
  execFileSync(process.execPath, [join(repository, 'ml/serving/build.mjs')]);
  tiny = TinyModel.train();
  serving = start(tiny.mlRoot);
  address = await addressOf(serving);
}, 300_000);
afterAll(async () => {
  serving.child.kill('SIGKILL');
  await serving.exit;
  tiny.remove();
});

/** A request whose path nobody tidies up. */
async function raw(method: string, path: string): Promise<{ status: number; body: string }> {
  const { port } = new URL(address);
  const sent = request({ host: '127.0.0.1', port, method, path }).end();
  const [response] = z.tuple([z.instanceof(IncomingMessage)]).parse(await once(sent, 'response'));
  return { status: response.statusCode ?? 0, body: await text(response) };
}

/** Memory of the serving program: now (VmRSS), or the most there ever was (VmHWM). */
function residentMegabytes(field: 'VmRSS' | 'VmHWM'): number {
  const status = readFileSync(`/proc/${serving.child.pid}/status`, 'utf8');
  const [, kilobytes = 'NaN'] = new RegExp(`${field}:\\s+(\\d+) kB`).exec(status) ?? [];
  return Number(kilobytes) / 1024;
}

function invoke(body: string | Buffer, contentType = 'application/json'): Promise<Response> {
  return fetch(`${address}/invocations`, {
    method: 'POST',
    body,
    headers: { 'content-type': contentType },
  });
}

/** Predictions by way of as many requests as the limit of texts asks for. */
async function predict(texts: readonly string[]): Promise<z.infer<typeof Prediction>[]> {
  const predictions = [];
  for (let from = 0; from < texts.length; from += MAX_TEXTS) {
    const response = await invoke(JSON.stringify({ texts: texts.slice(from, from + MAX_TEXTS) }));
    predictions.push(...Answer.parse(await response.json()).predictions);
  }
  return predictions;
}

/** Numbers below 1 from a seed (mulberry32), so that a failure can be seen again. */
function randomNumbers(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 4294967296;
  };
}

/** Texts of whatever Unicode holds, mixed with what the tokenizer's rules look for. */
function randomTexts(count: number): string[] {
  const random = randomNumbers(20261124);
  const pieces = [
    'love',
    'GREAT',
    ' ',
    ' ',
    "n't",
    "can't",
    'dont',
    ':)',
    ":'(",
    '<3',
    '</3',
    '@bob',
    '#Tag',
    'http://a.b/c',
    '&amp;',
  ];
  pieces.push(
    '&amp;lt;3',
    'RT@bob',
    'soHappyToday',
    'https://t.co/aB1',
    'wont',
    '&#39;',
    '\\u2019',
    'sooo',
    '!!!',
    '...',
    '10:30',
    '7',
    '\n',
    '…',
    '’',
    '😀',
    '😭',
    '❤️',
    '𝓱𝓲',
    'é',
    'e\u0301',
    'Σ',
    'İ',
    '\ud83d',
  );
  return Array.from({ length: count }, () =>
    Array.from({ length: Math.floor(random() * 30) }, () => {
      if (random() < 0.5) return pieces[Math.floor(random() * pieces.length)];
      return String.fromCodePoint(Math.floor(random() * (random() < 0.5 ? 0x3000 : 0x110000)));
    }).join(''),
  );
}

describe('the model in Node', () => {
  test('sees the same ids as training and answers the same, on thousands of random Unicode texts', async () => {
    const texts = [
      ...randomTexts(3000),
      '',
      'x'.repeat(5000),
      '😀'.repeat(3000),
      'the '.repeat(100),
    ];
    const description = z
      .object({ max_tokens: z.number(), unknown_id: z.number() })
      .parse(JSON.parse(readFileSync(join(tiny.archive, 'model.json'), 'utf8')));
    const definition = readFileSync(join(tiny.archive, 'tokenizer.json'), 'utf8');
    const tokenizer = new TweetTokenizer(
      definition,
      description.max_tokens,
      description.unknown_id,
    );

    const python = PythonAnswers.parse(tiny.asPythonSeesIt(texts));
    const predictions = await predict(texts);

    expect(texts.map((text) => tokenizer.encode(text))).toEqual(python.ids);
    expect(predictions.map((prediction) => prediction.unknown_words)).toEqual(
      python.ids.map((ids) => ids.filter((id) => id === description.unknown_id).length),
    );
    const apart = predictions.map(({ probabilities: ours }, index) => {
      const [negative = NaN, neutral = NaN, positive = NaN] = python.probabilities[index] ?? [];
      return Math.max(
        Math.abs(ours.negative - negative),
        Math.abs(ours.neutral - neutral),
        Math.abs(ours.positive - positive),
      );
    });
    expect(Math.max(...apart)).toBeLessThan(1e-5);
  });

  test('answers a text alone as in a batch', async () => {
    const texts = randomTexts(300);

    const together = await predict(texts);
    const alone = await Promise.all(texts.map(async (text) => (await predict([text]))[0]));

    const apart = together.map(({ probabilities }, index) =>
      Math.abs(probabilities.positive - (alone[index]?.probabilities.positive ?? NaN)),
    );
    expect(Math.max(...apart)).toBeLessThan(1e-5);
  });

  test('wrong requests among others that wait get their errors, and the others their answers', async () => {
    const texts = randomTexts(120);
    const alone: z.infer<typeof Prediction>[] = [];
    for (const text of texts) alone.push(...(await predict([text])));

    const answers = await Promise.all(
      texts.map(async (text, at) => {
        const wrong = at % 3 === 1 ? [text, 7] : at % 3 === 2 ? [] : undefined;
        const response = await invoke(JSON.stringify({ texts: wrong ?? [text] }));
        return { status: response.status, body: await response.text() };
      }),
    );

    expect(answers.map(({ status }) => status)).toEqual(
      texts.map((_, at) => (at % 3 === 0 ? 200 : 400)),
    );
    answers.forEach(({ status, body }, at) => {
      if (status !== 200) return;
      const [prediction] = Answer.parse(JSON.parse(body)).predictions;
      expect(prediction?.probabilities.negative).toBeCloseTo(
        alone[at]?.probabilities.negative ?? NaN,
        5,
      );
    });
  });

  test('the int8 network answers requests that wait together exactly as alone', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'int8-'));
    cpSync(tiny.archive, join(folder, 'model'), { recursive: true });
    const file = join(folder, 'model/model.json');
    const description = readFileSync(file, 'utf8');
    writeFileSync(
      file,
      description.replace('"network": "model.onnx"', '"network": "model.int8.onnx"'),
    );
    expect(readFileSync(file, 'utf8')).not.toBe(description);
    const int8 = start(folder);
    const bodies = Array.from({ length: 40 }, (_, at) =>
      JSON.stringify({ texts: randomTexts(120).slice(at, at + 1 + at) }),
    );
    const answer = async (body: string) =>
      (
        await fetch(`${await addressOf(int8)}/invocations`, {
          method: 'POST',
          body,
          headers: { 'content-type': 'application/json' },
        })
      ).text();

    const alone: string[] = [];
    for (const body of bodies) alone.push(await answer(body));
    const together = await Promise.all(bodies.map(answer));

    expect(together).toEqual(alone);
    expect(Answer.parse(JSON.parse(alone[3] ?? '')).predictions).toHaveLength(4);
    int8.child.kill('SIGKILL');
    await int8.exit;
    rmSync(folder, { recursive: true });
  });

  test('says which file is damaged', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'damaged-'));
    cpSync(tiny.archive, folder, { recursive: true });
    writeFileSync(join(folder, 'tokenizer.json'), '{}');

    await expect(Model.load(folder)).rejects.toThrow(/^tokenizer\.json is damaged: its SHA-256 is/);

    rmSync(folder, { recursive: true });
  });

  test.each(['model-card.md', 'manifest.json', 'model.int8.onnx'])(
    'checks %s, too, which it does not answer by',
    async (name) => {
      const folder = mkdtempSync(join(tmpdir(), 'damaged-'));
      cpSync(tiny.archive, folder, { recursive: true });
      appendFileSync(join(folder, name), ' ');

      await expect(Model.load(folder)).rejects.toThrow(`${name} is damaged`);

      rmSync(folder, { recursive: true });
    },
  );
});

/** As the training that made the model wrote it into its evaluation. */
function evaluatedDigest(): string {
  const written: unknown = JSON.parse(
    readFileSync(join(tiny.mlRoot, 'output/data/evaluation.json'), 'utf8'),
  );
  return Evaluation.parse(written).candidate.digest ?? 'none';
}

test('evaluation.json of a real training run fits the contract of the gate', () => {
  const written: unknown = JSON.parse(
    readFileSync(join(tiny.mlRoot, 'output/data/evaluation.json'), 'utf8'),
  );

  const evaluation = Evaluation.parse(written);

  expect(evaluation.champion).toBeNull();
  expect(evaluation.lexicon.name).toBe('vader');
  expect(evaluation.held_out.rows).toBe(evaluation.training.rows.test);
});

describe('the HTTP side', () => {
  test('/ping names the model in service', async () => {
    const response = await fetch(`${address}/ping`);

    expect(response.status).toBe(200);
    expect(await response.json()).toEqual({
      model_version: 'tiny-1',
      model_digest: evaluatedDigest(),
    });
  });

  test('it keeps idle connections for longer than the minute that clients do', async () => {
    const response = await fetch(`${address}/ping`);

    const { seconds } = z
      .object({ seconds: z.coerce.number() })
      .parse(/timeout=(?<seconds>\d+)/.exec(response.headers.get('keep-alive') ?? '')?.groups);
    expect(seconds).toBeGreaterThan(60);
  });

  test('/ping answers 503 while the model loads', async () => {
    const loading = createApp(() => null).listen(0, '127.0.0.1');
    await once(loading, 'listening');
    const { port } = z.object({ port: z.number() }).parse(loading.address());

    const response = await fetch(`http://127.0.0.1:${port}/ping`);

    expect(response.status).toBe(503);
    expect(await response.json()).toEqual({ error: 'the model is still loading' });
    await new Promise((resolve) => loading.close(resolve));
  });

  test('started with a token, it answers nobody else', async () => {
    const guarded = createApp(() => null, 'a secret of this start').listen(0, '127.0.0.1');
    await once(guarded, 'listening');
    const { port } = z.object({ port: z.number() }).parse(guarded.address());
    const statusFor = async (path: string, headers: Record<string, string>) =>
      (await fetch(`http://127.0.0.1:${port}${path}`, { headers })).status;

    const answers = await Promise.all([
      statusFor('/ping', {}),
      statusFor('/ping', { 'x-serving-token': 'a secret of another' }),
      statusFor('/invocations', {}),
      statusFor('/ping', { 'x-serving-token': 'a secret of this start' }),
    ]);

    // The last one is answered: its model is still loading.
    expect(answers).toEqual([403, 403, 403, 503]);
    await new Promise((resolve) => guarded.close(resolve));
  });

  test('JSON: one prediction per text, in order, an empty text included', async () => {
    const texts = [
      'love',
      'the bus is very very bad and sad !',
      '',
      ...Array.from({ length: 150 }, (_, index) => 'so '.repeat(index % 40)),
    ];
    const expected = await Promise.all(texts.map(async (text) => (await predict([text]))[0]));

    const response = await invoke(JSON.stringify({ texts }), 'application/json; charset=utf-8');
    const answer = Answer.parse(await response.json());

    expect(response.headers.get('content-type')).toBe('application/json');
    expect(answer.model_version).toBe('tiny-1');
    expect(answer.model_digest).toBe(evaluatedDigest());
    expect(answer.predictions.map(({ label }) => label)).toEqual(
      expected.map((prediction) => prediction?.label),
    );
    expect(answer.predictions[1]?.probabilities.negative).toBeCloseTo(
      expected[1]?.probabilities.negative ?? NaN,
      6,
    );
    for (const { label, probabilities } of answer.predictions) {
      expect(probabilities.negative + probabilities.neutral + probabilities.positive).toBeCloseTo(
        1,
        5,
      );
      expect(probabilities[label]).toBe(Math.max(...Object.values(probabilities)));
    }
  });

  test('JSON Lines: one prediction with the version per line, blank lines and ids aside', async () => {
    const response = await invoke(
      '{"text": "love"}\r\n\n{"tweet_id": "7", "text": "sad"}\n',
      'application/jsonlines',
    );
    const lines = (await response.text()).trimEnd().split('\n');

    expect(response.status).toBe(200);
    expect(response.headers.get('content-type')).toBe('application/jsonlines');
    expect(response.headers.get('x-amzn-sagemaker-custom-attributes')).toBe(
      `model_digest=${evaluatedDigest()}`,
    );
    expect(lines).toHaveLength(2);
    for (const line of lines) {
      expect(
        Prediction.extend({ model_version: z.literal('tiny-1') }).safeParse(JSON.parse(line))
          .success,
      ).toBe(true);
    }
  });

  test.each([
    ['no JSON', '{"texts": ["a"', 'application/json', 400, 'the body is not JSON'],
    ['no texts', '{}', 'application/json', 400, 'the body, texts: '],
    ['empty texts', '{"texts": []}', 'application/json', 400, 'the body, texts: '],
    ['texts of another kind', '{"texts": "a"}', 'application/json', 400, 'the body, texts: '],
    [
      'a text that is no string',
      '{"texts": ["a", 7]}',
      'application/json',
      400,
      'the body, texts[1]: ',
    ],
    ['a field too many', '{"texts": ["a"], "model": "b"}', 'application/json', 400, 'the body: '],
    [
      'a body that is no UTF-8',
      Buffer.from([0x7b, 0xff]),
      'application/json',
      400,
      'the body is not UTF-8',
    ],
    [
      'a line that is no JSON',
      '{"text": "a"}\n{"text"',
      'application/jsonlines',
      400,
      'line 2 is not JSON',
    ],
    [
      'a line without text',
      '{"text": "a"}\n{"texts": ["b"]}',
      'application/jsonlines',
      400,
      'line 2, text: ',
    ],
    ['no line', '\n', 'application/jsonlines', 400, 'the body has no lines'],
    [
      'another format',
      'a',
      'text/csv',
      415,
      'Content-Type must be application/json or application/jsonlines, not "text/csv"',
    ],
    [
      'too many texts',
      JSON.stringify({ texts: Array(1001).fill('a') }),
      'application/json',
      413,
      '1001 texts in one request',
    ],
    [
      'too many texts, not looking at what they are',
      JSON.stringify({ texts: Array(1_000_000).fill(0) }),
      'application/json',
      413,
      '1000000 texts in one request',
    ],
    [
      'too many lines, not looking at those that follow',
      '{"text": "a"}\n\n'.repeat(25_001) + 'no JSON',
      'application/jsonlines',
      413,
      'over 25000 texts in one request',
    ],
    [
      'too large a body',
      'a'.repeat(6 * 1024 * 1024 + 1),
      'application/json',
      413,
      'the body is over 6291456 bytes',
    ],
  ])('refuses %s', async (_, body, contentType, status, complaint) => {
    const response = await invoke(body, contentType);

    expect(response.status).toBe(status);
    expect(Refusal.parse(await response.json()).error).toContain(complaint);
  });

  test.each([
    ['blank lines', '\n'.repeat(6_000_000), 'application/jsonlines', 400],
    ['numbers for texts', `{"texts":[${'0,'.repeat(2_900_000)}0]}`, 'application/json', 413],
    [
      'unknown fields',
      `{"texts":["a"],${Array.from({ length: 400_000 }, (_, at) => `"${at}":0`).join()}}`,
      'application/json',
      400,
    ],
  ])(
    'six requests of six megabytes of %s cost no more than their bytes a few times over',
    async (_, body, contentType, status) => {
      const before = residentMegabytes('VmRSS');

      const answers = await Promise.all(Array.from({ length: 6 }, () => invoke(body, contentType)));

      expect(answers.map((answer) => answer.status)).toEqual(Array(6).fill(status));
      const lengths = await Promise.all(answers.map(async (one) => (await one.text()).length));
      expect(Math.max(...lengths)).toBeLessThan(1_000);
      expect(residentMegabytes('VmHWM') - before).toBeLessThan(400);
    },
    60_000,
  );

  test('a client that goes away in the middle of its upload leaves no trace in the log', async () => {
    const { port } = new URL(address);
    const said = serving.output.text;
    for (let at = 0; at < 3; at += 1) {
      const socket = connect(Number(port), '127.0.0.1');
      await once(socket, 'connect');
      socket.write(
        'POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: 100\r\n\r\n{"texts"',
      );
      await sleep(100);
      socket.destroy();
    }
    await sleep(300);

    expect((await fetch(`${address}/ping`)).status).toBe(200);
    expect(serving.output.text).toBe(said);
  });

  test('refuses a body that turns out too large without saying so before', async () => {
    const chunk = new Uint8Array(1 << 20).fill(0x61);
    let sent = 0;
    const body = new ReadableStream<Uint8Array>({
      pull(controller) {
        if (sent++ < 8) controller.enqueue(chunk);
        else controller.close();
      },
    });

    const init: RequestInit & { duplex: 'half' } = {
      method: 'POST',
      body,
      duplex: 'half',
      headers: { 'content-type': 'application/json' },
    };
    const response = await fetch(`${address}/invocations`, init);

    expect(response.status).toBe(413);
  });

  test('bodies beyond what it can hold are rejected, until the clients have gone', async () => {
    const port = Number(new URL(address).port);
    const large = 6 * 1024 * 1024;
    const uploads = Array.from({ length: 10 }, () => connect(port, '127.0.0.1'));
    await Promise.all(
      uploads.map(async (socket) => {
        await once(socket, 'connect');
        socket.write(
          `POST /invocations HTTP/1.1\r\nHost: a\r\nContent-Type: application/json\r\nContent-Length: ${large}\r\n\r\n`,
        );
        const sent = new Promise((resolve) => socket.write('a'.repeat(large - 1), resolve));
        await sent;
      }),
    );
    const ask = () => invoke(JSON.stringify({ texts: ['love'] }));

    const busy = await until('the uploads have arrived', async () => {
      const response = await ask();
      return response.status !== 200 && response;
    });
    expect(busy.status).toBe(503);
    expect(Refusal.parse(await busy.json()).error).toContain('send the request again later');
    for (const socket of uploads) socket.destroy();

    await until('the bytes are given back', async () => (await ask()).status === 200);
  });

  test.each([
    ['GET', '/invocations', 405, 'use POST'],
    ['POST', '/ping', 405, 'use GET'],
    ['GET', '/', 404, 'no such path: /'],
    ['GET', '//[', 404, 'no such path: //['],
  ])('refuses %s %s', async (method, path, status, complaint) => {
    const { status: answered, body } = await raw(method, path);

    expect(answered).toBe(status);
    expect(Refusal.parse(JSON.parse(body)).error).toContain(complaint);
  });
});

describe('the program', () => {
  test('ends with exit code 0 on SIGTERM', async () => {
    const { child, output, exit } = start(tiny.mlRoot);
    while (!output.text.includes('serving tiny-1')) await once(child.stdout, 'data');

    child.kill('SIGTERM');

    expect(await exit).toEqual([0, null]);
  });

  test('answers what waits when SIGTERM comes, and then ends', async () => {
    const program = start(tiny.mlRoot);
    const url = `${await addressOf(program)}/invocations`;
    const texts: string[] = Array(1000).fill('so '.repeat(60));
    let answered = 0;
    const requests = Array.from({ length: 20 }, async () => {
      const response = await fetch(url, {
        method: 'POST',
        body: JSON.stringify({ texts }),
        headers: { 'content-type': 'application/json' },
      });
      const { predictions } = Answer.parse(await response.json());
      answered += 1;
      return predictions.length;
    });

    // By then the program has received all of them; a connection without a request may be closed.
    while (answered < 8) await sleep(1);
    program.child.kill('SIGTERM');
    const waiting = requests.length - answered;
    const counts = await Promise.all(requests);

    expect(waiting).toBeGreaterThan(0);
    expect(counts).toEqual(Array(20).fill(1000));
    expect(await program.exit).toEqual([0, null]);
    // Less than an idle connection is kept: none may hold the program.
  }, 50_000);

  test('serves the model that was evaluated, and ends with exit code 1 for any other', async () => {
    const same = start(tiny.mlRoot, { MODEL_DIGEST: evaluatedDigest() });
    while (!same.output.text.includes('serving tiny-1')) await once(same.child.stdout, 'data');
    same.child.kill('SIGTERM');
    const other = mkdtempSync(join(tmpdir(), 'swapped-'));
    cpSync(tiny.archive, join(other, 'model'), { recursive: true });
    // Whole by its own checksums, and it answers otherwise.
    const description = join(other, 'model/model.json');
    writeFileSync(
      description,
      readFileSync(description, 'utf8').replace(/"max_tokens": \d+/, '"max_tokens": 3'),
    );

    const { output, exit } = start(other, { MODEL_DIGEST: evaluatedDigest() });

    expect(await exit).toEqual([1, null]);
    expect(output.text).toMatch(
      /^serving failed: the archive is not the one that was evaluated: the digest of tiny-1 is [0-9a-f]{64}, MODEL_DIGEST says [0-9a-f]{64}\n$/,
    );
    expect(await same.exit).toEqual([0, null]);
    rmSync(other, { recursive: true });
  });

  test('ends with exit code 1 and one line when the archive is damaged', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'damaged-'));
    cpSync(tiny.archive, join(folder, 'model'), { recursive: true });
    const network = join(folder, 'model/model.onnx');
    writeFileSync(network, readFileSync(network).subarray(0, 1000));

    const { output, exit } = start(folder);

    expect(await exit).toEqual([1, null]);
    expect(output.text).toMatch(/^serving failed: model\.onnx is damaged: .*\n$/);
    rmSync(folder, { recursive: true });
  });
});

test('the benchmark of the program prints a line for each batch size and number of connections', () => {
  const printed = execFileSync(
    join(repository, 'node_modules/.bin/tsx'),
    [join(repository, 'ml/bench/serving-load.ts'), '--model', tiny.archive, '--seconds', '0.1'],
    { encoding: 'utf8' },
  );

  expect(printed).toMatch(/The program has core 1 alone, the client core 0/);
  expect(printed).toMatch(/VADER \(package vaderSentiment\), 1 process\(es\): \d+ tweets\/s/);
  // Two networks, four batch sizes, four numbers of connections.
  // A tenth of a second may be less processor time than the clock's step: a dash then.
  const lines =
    printed.match(/^\| \d+ \| \d+ \| \d+ \| (?:\d+\.\d \| \d+\.\d\d|– \| –) \| .*\|$/gm) ?? [];
  expect(lines).toHaveLength(32);
  expect(printed.match(/^one tweet, idle: p50 \d+\.\d ms/gm)).toHaveLength(2);
  expect(printed.match(/^memory: (\d+, ){4}\d+ MB .*; \d+ MB at most$/gm)).toHaveLength(2);
}, 120_000);

describe('an archive that is changed between evaluation and endpoint', () => {
  const ENDPOINT = 'sentiment';
  let cloud: TestCloud;
  let roleArn: string;
  let sageMaker: SageMakerClient;

  beforeAll(async () => {
    cloud = await TestCloud.start();
    sageMaker = new SageMakerClient(cloud.client());
    roleArn = await cloud.role('Serves', 'sagemaker.amazonaws.com', [
      allow(['s3:GetObject'], [`arn:aws:s3:::${BUCKET}/model-outputs/*`]),
    ]);
  }, 180_000);
  afterAll(() => cloud?.stop());

  /** The tiny model as an archive; with another limit of tokens it is whole, and another model. */
  async function put(jobName: string, maxTokens?: number): Promise<StepInput['state']['train']> {
    const files = Object.fromEntries(
      readdirSync(tiny.archive).map((name) => [name, readFileSync(join(tiny.archive, name))]),
    );
    const description = String(files['model.json']);
    files['model.json'] = Buffer.from(
      maxTokens === undefined
        ? description
        : description.replace(/"max_tokens": \d+/, `"max_tokens": ${maxTokens}`),
    );
    const key = `model-outputs/${jobName}/output/model.tar.gz`;
    return { ...TRAINED, jobName, modelUri: await cloud.put(key, await archive(files)) };
  }

  const evaluation = (digest: string | undefined): StepInput['state']['evaluation'] => ({
    promote: true,
    forced: false,
    inService: null,
    ...(digest !== undefined && { digest }),
    reasons: ['kept'],
    heldOutRows: null,
    candidate: null,
    champion: null,
    lexicon: null,
    minusChampion: null,
    minusLexicon: null,
  });

  /** The step, called until it has ended. */
  async function update(train: StepInput['state']['train'], digest?: string): Promise<void> {
    const step = updateEndpoint({
      sageMaker,
      endpointName: ENDPOINT,
      servingImage: '000000000000.dkr.ecr.us-east-1.amazonaws.com/lake-serving:1',
      roleArn,
      keyArn: 'arn:key',
      lakeName: 'lake',
      rollbackAlarms: [],
      settings: settingsFor('dev').endpoint,
    });
    let answer: StepInput['state']['update'] = { status: 'PENDING' };
    await until(
      'the endpoint has changed, or not',
      async () => {
        answer = await step(stepInput({ train, evaluation: evaluation(digest), update: answer }));
        return answer.status === 'DONE';
      },
      120,
    );
  }

  const serves = () =>
    predictAt(
      { runtime: new SageMakerRuntimeClient(cloud.client()), name: ENDPOINT, clock: systemClock },
      ['love'],
    );
  const config = async () =>
    (await sageMaker.send(new DescribeEndpointCommand({ EndpointName: ENDPOINT })))
      .EndpointConfigName;

  test('does not come into service: the update is refused, and the champion goes on', async () => {
    await update(await put('sl-honest'), evaluatedDigest());
    expect((await serves()).model_digest).toBe(evaluatedDigest());

    const swapped = update(await put('sl-swapped', 3), evaluatedDigest());

    await expect(swapped).rejects.toMatchObject({
      name: 'EndpointUpdateFailed',
      message: expect.stringContaining('the archive is not the one that was evaluated'),
    });
    expect(await config()).toBe('sl-honest');
    expect((await serves()).model_digest).toBe(evaluatedDigest());
  }, 300_000);

  test('is taken out of service by the smoke test, whoever put it there without a digest', async () => {
    const train = await put('sl-unasked', 3);
    await update(train);
    await cloud.put(
      'model-outputs/champion.json',
      JSON.stringify({
        schemaVersion: 1,
        modelVersion: 'sl-honest',
        modelUri: 's3://lake/model-outputs/sl-honest/output/model.tar.gz',
        evaluationUri: 's3://lake/model-outputs/sl-honest/evaluation.json',
        manifestUri: 's3://lake/model-outputs/sl-honest/manifest.json',
        configName: 'sl-honest',
        fingerprint: 'f',
        promotedAt: '2026-11-23T03:00:00.000Z',
        promotedBy: 'arn',
        forced: false,
        previous: null,
      } satisfies Champion),
    );

    const tested = smokeTestEndpoint({
      lake: { s3: cloud.s3(), bucket: BUCKET },
      sageMaker,
      endpoint: {
        runtime: new SageMakerRuntimeClient(cloud.client()),
        name: ENDPOINT,
        clock: systemClock,
      },
    })(stepInput({ train, evaluation: evaluation(evaluatedDigest()) }));

    await expect(tested).rejects.toMatchObject({
      name: 'ArchiveMismatch',
      message: expect.stringContaining('put back to sl-honest'),
    });
    await until('the champion serves again', async () => (await config()) === 'sl-honest', 120);
  }, 300_000);
});
