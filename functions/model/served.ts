import type { RunState, ServedModel } from '../../workflows/payloads';

/** The model that this run puts into service: the one it rolls back to, or the one it trained; null if neither. */
export function modelToServe({
  train,
  evaluation,
}: Pick<RunState, 'train' | 'evaluation'>): ServedModel | null {
  if ('promote' in evaluation && evaluation.rollback) return evaluation.rollback;
  if (train.status !== 'DONE') return null;
  const { jobName, modelUri, evaluationUri, manifestUri, fingerprint } = train;
  return {
    version: jobName,
    modelUri,
    evaluationUri,
    manifestUri,
    fingerprint,
    ...('promote' in evaluation &&
      evaluation.candidate !== null && { macroRecall: evaluation.candidate.macro_recall }),
  };
}
