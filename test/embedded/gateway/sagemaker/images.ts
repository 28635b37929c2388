import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buffer } from 'node:stream/consumers';
import { gzipSync } from 'node:zlib';
import { pack } from 'tar-stream';

const REGISTRY = '000000000000.dkr.ecr.us-east-1.amazonaws.com';
export const TRAINING_IMAGE = `${REGISTRY}/lake-training:1`;
export const SERVING_IMAGE = `${REGISTRY}/lake-serving@sha256:0`;

/**
 * A project with two tiny images. The training program does what its hyperparameter `does` says; the serving
 * program answers with its model's name, and never answers /ping when that name is `broken`.
 */
export function tinyProject(root: string): string {
  write(root, 'ml/training/Dockerfile', [
    '# local-workdir: ml/training',
    '# local-env: WORDS_PATH=ml/training/requirements.txt',
    'FROM python:3.13-slim',
    'ENV TINY=yes \\',
    '    MODE="from the image"',
    'WORKDIR /opt/program',
    'COPY ml/training/ ./',
    'ENTRYPOINT ["python3", "-u", "train.py"]',
  ]);
  write(root, 'ml/training/requirements.txt', []);
  write(root, 'ml/training/train.py', TRAINING_PROGRAM.split('\n'));
  write(root, 'ml/serving/Dockerfile', [
    '# local-workdir: ml/serving/program',
    'FROM node:20 AS build',
    'WORKDIR /build',
    'COPY . .',
    'ENTRYPOINT ["never", "used"]',
    'FROM node:20-slim',
    'WORKDIR /opt/program',
    'COPY --from=build /build/program ./',
    'ENTRYPOINT ["node", "serve.js"]',
  ]);
  write(root, 'ml/serving/program/serve.js', SERVING_PROGRAM.split('\n'));
  return root;
}

const TRAINING_PROGRAM = `import json, os, pathlib, signal, sys, time
root = pathlib.Path(os.environ["ML_ROOT"])
parameters = json.loads((root / "input/config/hyperparameters.json").read_text())
does = parameters.get("does", "train")
data = root / "input/data"
if does == "sleep":
    signal.signal(signal.SIGTERM, lambda *_: (print("asked to stop", flush=True), sys.exit(0)))
    print("asleep", flush=True)
    time.sleep(60)
if does == "sleep deaf":
    signal.signal(signal.SIGTERM, signal.SIG_IGN)
    print("asleep", flush=True)
    time.sleep(60)
if does == "fail":
    (root / "output/failure").write_text("no labels")
    (root / "output/data/why.json").write_text("{}")
    sys.exit(3)
if does == "crash":
    raise RuntimeError("shape mismatch")
for epoch in (1, 2):
    print(f"epoch {epoch} recall={0.5 + epoch / 10}", flush=True)
(root / "model/nested").mkdir()
(root / "model/nested/weights").write_text("w")
(root / "model/name").write_text(os.environ["TRAINING_JOB_NAME"])
(root / "output/data/seen.json").write_text(json.dumps({
    "argv": sys.argv[1:],
    "cwd": os.getcwd(),
    "environment": dict(os.environ),
    "parameters": parameters,
    "channels": sorted(json.loads((root / "input/config/inputdataconfig.json").read_text())),
    "files": {str(f.relative_to(data)): f.read_text() for f in sorted(data.rglob("*")) if f.is_file()},
}))`;

const SERVING_PROGRAM = `const { createServer } = require('node:http');
const { readFileSync } = require('node:fs');
const name = readFileSync(process.env.ML_ROOT + '/model/name', 'utf8');
if (process.argv[2] !== 'serve') throw new Error('expected the argument serve');
if (name === 'crash') throw new Error('this model cannot be read');
createServer((req, res) => {
  if (req.url === '/ping') return res.writeHead(name === 'broken' ? 500 : 200).end();
  let body = '';
  req.setEncoding('utf8');
  req.on('data', (chunk) => (body += chunk));
  req.on('end', () => {
    if (body === 'bad') return res.writeHead(400).end('texts must be an array');
    if (body === 'die') process.exit(1);
    if (body === 'wait') return;
    if (req.headers['content-type'] === 'application/jsonlines') return lines(body, res);
    res.writeHead(200, { 'content-type': req.headers.accept ?? 'text/plain' });
    res.end(JSON.stringify({ name, body, type: req.headers['content-type'], secret: process.env.AWS_SECRET_ACCESS_KEY }));
  });
}).listen(Number(process.env.PORT), process.env.HOST);
function lines(body, res) {
  const records = body.split('\\n').filter(Boolean).map((line) => JSON.parse(line));
  const texts = records.map(({ text }) => text);
  console.log('records ' + records.length);
  if (texts.includes('bad')) return res.writeHead(400).end('line 1: text is bad');
  if (texts.includes('die')) process.exit(1);
  if (texts.includes('wait')) return;
  if (texts.includes('lose')) texts.pop();
  res.end(texts.map((text) => JSON.stringify({ name, length: text.length }) + '\\n').join(''));
}`;

function write(root: string, path: string, lines: string[]): void {
  mkdirSync(join(root, path, '..'), { recursive: true });
  writeFileSync(join(root, path), `${lines.join('\n')}\n`);
}

/** A gzipped tar of these files. */
export async function archive(files: Record<string, string | Buffer>): Promise<Buffer> {
  const tar = pack();
  for (const [name, content] of Object.entries(files)) tar.entry({ name }, content);
  tar.finalize();
  return gzipSync(await buffer(tar));
}
