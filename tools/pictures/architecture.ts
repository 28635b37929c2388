import { steps } from '../../workflows/steps';
import { arrow, labelled, picture, rectangle, text, wrapped } from './svg';
import type { Resource } from './templates';

const column = 92;
const stepWidth = 82;
const left = 24;
const width = left * 2 + steps.length * column - (column - stepWidth);

const y = { schedule: 58, steps: 130, engines: 280, bucket: 412, stream: 530, footer: 620 };

/** What a box stands for; drawn only if the templates have a resource of this type. */
interface Part {
  readonly type: string | null;
  readonly lines: readonly string[];
}

/**
 * The parts of the lake and what flows between them. Places are laid out by hand below; steps come from the table of
 * steps, and every box must have its resource in the templates, so that a part that goes does not stay in the picture.
 *
 * Throws an Error that names a box without a resource or a key without a step.
 */
export function architecturePicture(all: readonly Resource[]): string {
  const countOf = (type: string): number => all.filter(({ Type }) => Type === type).length;
  const box = (x: number, top: number, boxWidth: number, part: Part, className = 'box') => {
    if (part.type !== null && countOf(part.type) === 0)
      throw new Error(
        `${part.lines.join(' ')}: no stack has a ${part.type}. Take it out of architecture.ts.`,
      );
    return labelled({ x, y: top, width: boxWidth, height: 50 }, className, part.lines);
  };
  const leftOf = (index: number): number => left + index * column;
  const middleOf = (index: number): number => leftOf(index) + stepWidth / 2;
  /** Where the step with this function is in the row. */
  const at = (name: (typeof steps)[number]['name']): number =>
    steps.findIndex((step) => step.name === name);
  const span = (first: number, last: number): number => leftOf(last) + stepWidth - leftOf(first);
  const [ingest, crawl, clean, check, publish] = [
    at('ingest-tweets'),
    at('crawl-raw-data'),
    at('clean-tweets'),
    at('check-data'),
    at('publish-data'),
  ];
  const train = at('train-model');
  const evaluate = train + 1;
  const [update, promote, refresh, report] = [
    at('update-endpoint'),
    at('promote-model'),
    at('refresh-analytics'),
    at('report-run'),
  ];
  const down = (x: number, from: number, to: number) =>
    arrow([
      [x, from],
      [x, to],
    ]);
  const both = (x: number, from: number, to: number) => [
    down(x - 6, from, to),
    arrow([
      [x + 6, to],
      [x + 6, from],
    ]),
  ];
  const stepsEnd = y.steps + 70;
  const enginesEnd = y.engines + 50;
  const storesEnd = y.bucket + 50;

  const parts: string[] = [
    text(left, 34, 'The architecture, drawn from the table of steps and the stacks', {
      className: 'title',
    }),
    rectangle(
      { x: left - 12, y: y.steps - 10, width: width - 2 * left + 24, height: 90 },
      'band',
      8,
    ),
    // Who starts a run.
    box(leftOf(0), y.schedule, 150, {
      type: 'AWS::Events::Rule',
      lines: ['EventBridge', 'every night'],
    }),
    text(
      leftOf(0) + 166,
      y.schedule + 22,
      'or a person: npm start, npm run lake -- run, the console',
      {
        className: 'small quiet',
      },
    ),
    down(middleOf(0), y.schedule + 50, y.steps),
    // The state machine.
    text(
      width - left,
      y.steps - 18,
      `Step Functions: ${steps.length} steps, one Lambda function each`,
      {
        className: 'strong',
        anchor: 'end',
      },
    ),
    ...steps.map(({ state }, index) => {
      const lines = wrapped(state, 11);
      const top = y.steps + 35 - ((lines.length - 1) * 15) / 2 + 4;
      return [
        rectangle({ x: leftOf(index), y: y.steps, width: stepWidth, height: 70 }, 'step'),
        ...lines.map((line, row) =>
          text(middleOf(index), top + row * 15, line, { anchor: 'middle' }),
        ),
        index === steps.length - 1
          ? ''
          : arrow([
              [leftOf(index) + stepWidth, y.steps + 35],
              [leftOf(index + 1), y.steps + 35],
            ]),
      ].join('');
    }),
    // What the steps use.
    box(leftOf(0), y.engines, span(0, 0), { type: null, lines: ['X API v2', 'recent search'] }),
    arrow([
      [middleOf(0), y.engines],
      [middleOf(0), y.engines - 34],
      [middleOf(ingest) - 22, y.engines - 34],
      [middleOf(ingest) - 22, stepsEnd],
    ]),
    box(leftOf(crawl), y.engines, span(crawl, crawl), {
      type: 'AWS::Glue::Crawler',
      lines: ['Glue', 'crawler'],
    }),
    box(leftOf(clean), y.engines, span(clean, clean), {
      type: 'AWS::Glue::Job',
      lines: ['Glue job', 'Spark'],
    }),
    box(leftOf(check), y.engines, span(check, publish) - 16, {
      type: 'AWS::Athena::WorkGroup',
      lines: ['Athena, Glue catalog', 'checks, published tables'],
    }),
    box(leftOf(train), y.engines, 98, {
      type: 'AWS::ECR::Repository',
      lines: ['SageMaker', 'training'],
    }),
    box(leftOf(report), y.engines, span(report, report), {
      type: 'AWS::SNS::Topic',
      lines: ['SNS', 'mail'],
    }),
    ...[crawl, clean, check, publish, train, report].map((index) =>
      down(middleOf(index), stepsEnd, y.engines),
    ),
    // The bucket.
    rectangle(
      { x: left - 12, y: y.bucket - 18, width: width - 2 * left + 24, height: 92 },
      'band',
      8,
    ),
    text(middleOf(ingest) + 2, y.bucket + 67, 'one S3 bucket, encrypted', {
      className: 'small quiet',
    }),
    box(
      middleOf(ingest) + 2,
      y.bucket,
      190,
      { type: 'AWS::S3::Bucket', lines: ['raw-data/', 'tweets, labels, plans'] },
      'store',
    ),
    box(
      leftOf(check) - 16,
      y.bucket,
      180,
      { type: 'AWS::S3::Bucket', lines: ['cleaned-data/', 'snapshots of days'] },
      'store',
    ),
    box(
      leftOf(train),
      y.bucket,
      164,
      { type: 'AWS::S3::Bucket', lines: ['model-outputs/', 'models, the champion'] },
      'store',
    ),
    box(
      leftOf(refresh) - 40,
      y.bucket,
      210,
      { type: 'AWS::S3::Bucket', lines: ['processed-data/', 'predictions, audit'] },
      'store',
    ),
    down(middleOf(ingest) + 22, stepsEnd, y.bucket),
    arrow([
      [middleOf(crawl), y.bucket],
      [middleOf(crawl), enginesEnd],
    ]),
    arrow([
      [middleOf(clean) - 10, y.bucket],
      [middleOf(clean) - 10, enginesEnd],
    ]),
    arrow([
      [middleOf(clean) + 16, enginesEnd],
      [middleOf(clean) + 16, y.bucket + 25],
      [leftOf(check) - 16, y.bucket + 25],
    ]),
    ...both(middleOf(check) + 30, enginesEnd, y.bucket),
    arrow([
      [leftOf(check) + 164, y.bucket + 25],
      [leftOf(train) - 13, y.bucket + 25],
      [leftOf(train) - 13, y.engines + 25],
      [leftOf(train), y.engines + 25],
    ]),
    down(middleOf(train), enginesEnd, y.bucket),
    down(middleOf(refresh), stepsEnd, y.bucket),
    arrow([
      [middleOf(evaluate), y.bucket],
      [middleOf(evaluate), stepsEnd],
    ]),
    arrow([
      [middleOf(promote) - 10, stepsEnd],
      [middleOf(promote) - 10, y.bucket + 25],
      [leftOf(train) + 164, y.bucket + 25],
    ]),
    // The stream.
    box(leftOf(0), y.stream, span(0, ingest), {
      type: 'AWS::Kinesis::Stream',
      lines: ['Kinesis', 'each new tweet'],
    }),
    down(middleOf(ingest) - 8, stepsEnd, y.stream),
    box(
      leftOf(check) - 16,
      y.stream,
      190,
      { type: 'AWS::Lambda::EventSourceMapping', lines: ['score-stream', 'Lambda, in real time'] },
      'step',
    ),
    arrow([
      [leftOf(ingest) + stepWidth, y.stream + 25],
      [leftOf(check) - 16, y.stream + 25],
    ]),
    box(leftOf(update) - 46, y.stream, 184, {
      type: 'AWS::ECR::Repository',
      lines: ['SageMaker endpoint', 'the champion serves'],
    }),
    arrow([
      [leftOf(check) + 174, y.stream + 18],
      [leftOf(update) - 46, y.stream + 18],
    ]),
    arrow([
      [leftOf(update) - 46, y.stream + 34],
      [leftOf(check) + 174, y.stream + 34],
    ]),
    arrow([
      [leftOf(check) + 120, y.stream],
      [leftOf(check) + 120, y.stream - 26],
      [leftOf(refresh) - 12, y.stream - 26],
      [leftOf(refresh) - 12, storesEnd],
    ]),
    ...[update, update + 1].map((index) => {
      const x = middleOf(index);
      return arrow([
        [x, stepsEnd],
        [x, y.stream],
      ]);
    }),
    box(leftOf(refresh) - 40, y.stream, 210, {
      type: 'AWS::Athena::NamedQuery',
      lines: ['Athena', 'questions of analysts'],
    }),
    down(leftOf(refresh) + 110, storesEnd, y.stream),
    // What stands around all of it.
    text(left, y.footer, 'Around it:', { className: 'strong' }),
    text(
      left + 82,
      y.footer,
      [
        `${countOf('AWS::IAM::Role')} IAM roles`,
        `${countOf('AWS::KMS::Key')} KMS key`,
        `${countOf('AWS::SecretsManager::Secret')} secrets`,
        `${countOf('AWS::CloudWatch::Alarm')} alarms`,
        `${countOf('AWS::CloudWatch::Dashboard')} dashboard`,
        `${countOf('AWS::SQS::Queue')} dead-letter queues`,
        `${countOf('AWS::CodeBuild::Project')} CodeBuild project for the two images`,
        `${countOf('AWS::Budgets::Budget')} monthly budget`,
      ].join(' · '),
      { className: 'quiet' },
    ),
  ];
  return picture(
    width,
    y.footer + 24,
    'The architecture: steps, services, bucket and stream',
    parts,
  );
}
