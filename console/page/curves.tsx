import * as Plot from '@observablehq/plot';
import type { TrainingCurve } from '../../workflows/evaluation';
import { Chart, colourOf } from './chart';
import { percent, Table } from './parts';

interface Point {
  epoch: number;
  rows: 'train' | 'validation';
  loss: number;
  macroRecall: number;
}

/** Loss and macro recall after each epoch, on rows that the model learnt from and on those that chose the epoch. */
export function Curves({ curve }: { curve: TrainingCurve | undefined }) {
  if (curve === undefined)
    return (
      <>
        <h2>Training, epoch by epoch</h2>
        <p>
          This model was trained by a release that did not record its epochs. The next training
          does.
        </p>
      </>
    );
  const { epochs, best_epoch: best } = curve;
  const points = epochs.flatMap(({ epoch, train, validation }): Point[] => [
    { epoch, rows: 'train', loss: train.loss, macroRecall: train.macro_recall },
    { epoch, rows: 'validation', loss: validation.loss, macroRecall: validation.macro_recall },
  ]);
  const chart = (what: 'loss' | 'macroRecall', label: string) => (
    <Chart
      about={`${label} by epoch on train and validation rows; the table below has the numbers`}
      again={[curve]}
      make={() => ({
        height: 210,
        // Room for the axis's name below its numbers.
        marginBottom: 42,
        color: {
          domain: ['train', 'validation'],
          range: [colourOf('quiet'), colourOf('busy')],
          legend: true,
        },
        x: {
          label: 'epoch',
          ticks: epochs.length > 12 ? undefined : epochs.map(({ epoch }) => epoch),
          tickFormat: 'd',
          domain: [1, Math.max(2, epochs.length)],
          inset: 8,
        },
        y: { label, grid: true, percent: what === 'macroRecall', nice: true },
        marks: [
          Plot.ruleX([best], { stroke: colourOf('positive'), strokeDasharray: '4' }),
          Plot.line(points, { x: 'epoch', y: what, stroke: 'rows' }),
          Plot.dot(points, { x: 'epoch', y: what, fill: 'rows', r: 3 }),
        ],
      })}
    />
  );
  return (
    <>
      <h2>Training, epoch by epoch</h2>
      <p>
        {epochs.length === 1 ? 'One epoch' : `${epochs.length} epochs`}; the model is that of epoch{' '}
        {best} (dashed), which had the best macro recall on the validation rows. Train rows: as many
        of the human labels that it learnt from. Both are measured after the epoch, without dropout
        and weights.
      </p>
      <div class="pair">
        {chart('loss', 'loss (cross entropy)')}
        {chart('macroRecall', 'macro recall (%)')}
      </div>
      <details>
        <summary>The numbers</summary>
        <Table
          about="Loss and macro recall by epoch"
          rows={epochs}
          columns={[
            {
              name: 'epoch',
              isNumber: true,
              of: ({ epoch }) => (epoch === best ? `${epoch}, kept` : epoch),
            },
            { name: 'train loss', isNumber: true, of: ({ train }) => train.loss.toFixed(3) },
            {
              name: 'validation loss',
              isNumber: true,
              of: ({ validation }) => validation.loss.toFixed(3),
            },
            {
              name: 'train recall',
              isNumber: true,
              of: ({ train }) => percent(train.macro_recall),
            },
            {
              name: 'validation recall',
              isNumber: true,
              of: ({ validation }) => percent(validation.macro_recall),
            },
          ]}
        />
      </details>
    </>
  );
}
