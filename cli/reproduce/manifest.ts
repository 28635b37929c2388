import { z } from 'zod';
import { TrainingRequest } from '../../functions/model/training-inputs';
import { UserError } from '../../session/user-error';
import { labels, Scores } from '../../workflows/evaluation';

const Rows = z.object({ rows: z.number(), sha256: z.string() });

/** The parts of a model's manifest that are needed to reproduce the model. */
export const Manifest = z.looseObject({
  model_version: z.string(),
  request: TrainingRequest,
  rows: z.looseObject({ train: Rows, validation: Rows, test: Rows, weak: Rows }),
  hyperparameters: z.record(z.string(), z.union([z.number(), z.string()])),
  inputs: z.record(z.string(), z.string()),
  versions: z.record(z.string(), z.string()),
  files: z.record(z.string(), z.string()),
  metrics: z.looseObject({ candidate: Scores.loose() }),
});
export type Manifest = z.infer<typeof Manifest>;

/** Settings of self-training, in manifests of earlier versions of this project. */
const retired = new Set(['teachers', 'soft_weight', 'student_epochs', 'student_learning_rate']);

/**
 * The hyperparameters of a training job that makes the model again. Without teachers, the settings of self-training
 * had no effect and are left out. Throws UserError for a self-trained model.
 */
export function hyperparametersAgain(manifest: Manifest): Record<string, string> {
  const { hyperparameters, model_version, request } = manifest;
  if (Number(hyperparameters['teachers'] ?? 0) > 0) {
    throw new UserError(
      `${model_version} was made by self-training (teachers: ${hyperparameters['teachers']}), which this version cannot do. Check out commit ${request.git.commit} and run reproduce there.`,
    );
  }
  return Object.fromEntries(
    Object.entries(hyperparameters)
      .filter(([name]) => !retired.has(name))
      .map(([name, value]) => [name, String(value)]),
  );
}

export interface Line {
  what: string;
  then: string;
  now: string;
  equal: boolean;
  /** Whether a difference means that the model was not reproduced; else it explains why. */
  decides: boolean;
}

/** Compares two manifests line by line: possible causes first, then the lines that decide. */
export function compare(then: Manifest, now: Manifest): Line[] {
  const line = (what: string, before: unknown, after: unknown, decides: boolean): Line => {
    const [one, other] = [String(before), String(after)];
    return { what, then: one, now: other, equal: one === other, decides };
  };
  const named = (
    title: string,
    before: Record<string, string>,
    after: Record<string, string>,
    decides: boolean,
  ) =>
    [...new Set([...Object.keys(before), ...Object.keys(after)])].map((name) =>
      line(`${title}${name}`, before[name] ?? 'none', after[name] ?? 'none', decides),
    );
  const splits = ['train', 'validation', 'test', 'weak'] as const;
  const figures = ['macro_recall', 'accuracy', 'macro_f1'] as const;
  const [ours, theirs] = [now.metrics.candidate, then.metrics.candidate];
  return [
    ...named('', then.inputs, now.inputs, false),
    ...named('', then.versions, now.versions, false),
    ...splits.map((split) =>
      line(`${split} rows`, describeRows(then.rows[split]), describeRows(now.rows[split]), true),
    ),
    ...figures.map((name) => line(name, theirs[name], ours[name], true)),
    ...labels.map((label) =>
      line(`recall ${label}`, theirs.recall[label], ours.recall[label], true),
    ),
    ...networks(then).map((name) => line(name, then.files[name], now.files[name] ?? 'none', false)),
  ];
}

const describeRows = ({ rows, sha256 }: z.infer<typeof Rows>): string =>
  `${rows} (${sha256.slice(0, 12)})`;

/** The other files contain the model's version, so they always differ. */
const networks = ({ files }: Manifest): string[] =>
  Object.keys(files).filter((name) => name.endsWith('.onnx'));
