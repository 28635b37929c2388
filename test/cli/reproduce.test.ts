import { compare, hyperparametersAgain, Manifest } from '../../cli/reproduce/manifest';

const rows = { rows: 10, sha256: 'a'.repeat(64) };
const scores = {
  macro_recall: 0.75,
  accuracy: 0.8,
  macro_f1: 0.7,
  recall: { negative: 0.7, neutral: 0.75, positive: 0.8 },
};

const manifest = (changes: Record<string, unknown> = {}): Manifest =>
  Manifest.parse({
    model_version: 'sl-1',
    request: {
      schema_version: 1,
      run_id: 'r',
      execution_arn: 'arn',
      cleaned_data: [],
      labels: [],
      languages: ['en'],
      champion: null,
      golden_tweets: [],
      level: 0.95,
      hyperparameters: {},
      images: { training: 't', serving: 's' },
      git: { commit: 'c', dirty: false },
      lockfiles: {},
      fingerprint: 'f',
    },
    rows: { train: rows, validation: rows, test: rows, weak: rows, conflicting_labels: 0 },
    hyperparameters: { epochs: 6 },
    inputs: { 'requirements.txt': 'r1', 'vectors.npz': 'v1' },
    versions: { torch: '2.13.0' },
    files: { 'model.onnx': 'n1', 'model.json': 'd1' },
    metrics: { candidate: { ...scores, version: 'sl-1' } },
    ...changes,
  });

const differences = (now: Manifest) => compare(manifest(), now).filter(({ equal }) => !equal);

test('a model made again is equal, though its description carries another version', () => {
  expect(differences(manifest({ files: { 'model.onnx': 'n1', 'model.json': 'd2' } }))).toEqual([]);
});

test.each([
  [
    'another metric',
    { metrics: { candidate: { ...scores, macro_recall: 0.74 } } },
    'macro_recall',
    true,
  ],
  [
    'the recall of one class',
    { metrics: { candidate: { ...scores, recall: { ...scores.recall, neutral: 0.7 } } } },
    'recall neutral',
    true,
  ],
  [
    'other rows',
    {
      rows: {
        train: { rows: 9, sha256: 'b'.repeat(64) },
        validation: rows,
        test: rows,
        weak: rows,
      },
    },
    'train rows',
    true,
  ],
  ['another torch', { versions: { torch: '2.14.0' } }, 'torch', false],
  [
    'other vectors',
    { inputs: { 'requirements.txt': 'r1', 'vectors.npz': 'v2' } },
    'vectors.npz',
    false,
  ],
  ['another network', { files: { 'model.onnx': 'n2' } }, 'model.onnx', false],
])('%s is told', (_, changes, what, decides) => {
  expect(differences(manifest(changes))).toMatchObject([{ what, decides, equal: false }]);
});

describe('the hyperparameters of a model made by an earlier version', () => {
  const earlier = { epochs: 6, soft_weight: 0.7, student_epochs: 2, student_learning_rate: 0.0015 };

  test('leave out the settings of self-training, which had no effect without teachers', () => {
    const hyperparameters = { ...earlier, teachers: 0 };

    expect(hyperparametersAgain(manifest({ hyperparameters }))).toEqual({ epochs: '6' });
  });

  test('name the commit to check out if the model was made by self-training', () => {
    const hyperparameters = { ...earlier, teachers: 4 };

    expect(() => hyperparametersAgain(manifest({ hyperparameters }))).toThrow(
      'sl-1 was made by self-training (teachers: 4), which this version cannot do. Check out commit c',
    );
  });
});
