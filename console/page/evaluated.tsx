import * as Plot from '@observablehq/plot';
import type { Evaluation } from '../../workflows/evaluation';
import { Chart, colourOf, sentiments } from './chart';
import { Curves } from './curves';
import { count, percent, Table } from './parts';

export function Evaluated({ evaluation }: { evaluation: Evaluation }) {
  const { candidate, champion, lexicon, linear, held_out, training, worst_mistakes, slices } =
    evaluation;
  const systems = [
    { name: 'this model', ...candidate },
    ...(champion ? [{ ...champion, name: `champion then, ${champion.version}` }] : []),
    { ...lexicon, name: 'lexicon (VADER)' },
    { ...linear, name: `linear baseline (${linear.name})` },
  ];
  return (
    <>
      <p>
        Measured on {count(held_out.rows)} held-out rows with labels by people; trained{' '}
        {training.epochs} epochs in {Math.round(training.seconds)} s on {count(training.rows.train)}{' '}
        rows and {count(training.rows.weak)} weak ones.
      </p>
      <Curves curve={evaluation.training_curve} />
      <h2>Beside others, on the same rows</h2>
      <Table
        about="Scores of this model and others"
        rows={systems}
        columns={[
          { name: 'system', of: ({ name }) => name },
          { name: 'macro recall', isNumber: true, of: ({ macro_recall }) => percent(macro_recall) },
          {
            name: 'interval',
            isNumber: true,
            of: ({ interval }) => `${percent(interval.low)} to ${percent(interval.high)}`,
          },
          { name: 'accuracy', isNumber: true, of: ({ accuracy }) => percent(accuracy) },
          ...sentiments.map((label) => ({
            name: `recall ${label}`,
            isNumber: true,
            of: ({ recall }: (typeof systems)[number]) => percent(recall[label]),
          })),
        ]}
      />
      <h2>Confusion</h2>
      <Table
        about="Rows by true label and answer"
        rows={sentiments.map((label, place) => ({
          label,
          counts: candidate.confusion[place] ?? [],
        }))}
        columns={[
          { name: 'true label', of: ({ label }) => label },
          ...sentiments.map((label, place) => ({
            name: `answered ${label}`,
            isNumber: true,
            of: ({ counts }: { counts: readonly number[] }) => count(counts[place] ?? 0),
          })),
        ]}
      />
      <h2>Calibration</h2>
      <p>
        Expected calibration error {percent(candidate.calibration.expected_error)}: how far its
        confidence is from how often it is right.
      </p>
      <Chart
        about="Accuracy by confidence; on the line they are equal"
        again={[evaluation]}
        make={(width) => ({
          width: Math.min(width, 420),
          height: 290,
          marginBottom: 42,
          x: { domain: [30, 100], percent: true, label: 'confidence (%)' },
          y: { domain: [0, 100], percent: true, label: 'accuracy (%)', grid: true },
          marks: [
            Plot.line(
              [
                [0.3, 0.3],
                [1, 1],
              ],
              { stroke: colourOf('quiet'), strokeDasharray: '4' },
            ),
            Plot.dot(candidate.calibration.bins, {
              x: 'confidence',
              y: 'accuracy',
              r: 'rows',
              fill: colourOf('busy'),
            }),
          ],
        })}
      />
      <h2>By kind of text</h2>
      <Table
        about="Macro recall by kind of text"
        rows={slices}
        columns={[
          { name: 'kind', of: ({ name }) => name },
          { name: 'rows', isNumber: true, of: ({ rows }) => count(rows) },
          ...Object.keys(slices[0]?.systems ?? {}).map((system) => ({
            name: system,
            isNumber: true,
            of: ({ systems: scores }: (typeof slices)[number]) => {
              const recall = scores[system]?.macro_recall ?? null;
              return recall === null ? 'too few' : percent(recall);
            },
          })),
        ]}
      />
      <h2>Worst mistakes</h2>
      <Table
        about="The mistakes that the model was most sure of"
        rows={worst_mistakes.slice(0, 10)}
        columns={[
          {
            name: 'hash of the text',
            of: ({ text_hash }) => <code>{text_hash.slice(0, 16)}</code>,
          },
          { name: 'people say', of: ({ label }) => label },
          {
            name: 'model says',
            of: ({ answer, probability }) => `${answer} (${percent(probability)})`,
          },
        ]}
      />
    </>
  );
}
