import { steps } from '../../workflows/steps';
import { horizontal, labelled, picture, rectangle, text, vertical, wrapped } from './svg';
import type { Resource } from './templates';

const column = 92;
const stepWidth = 82;
const left = 24;
const width = left * 2 + steps.length * column - (column - stepWidth);

const y = { schedule: 58, steps: 130, engines: 280, bucket: 412, stream: 530, footer: 620 };

/**
 * The parts of the lake and what flows between them. The layout is fixed; the steps come from the table of steps,
 * and every box needs its resource in the templates, so a removed part cannot stay in the picture.
 *
 * Throws an Error that names a box without a resource or a key without a step.
 */
export function architecturePicture(all: readonly Resource[]): string {
  const countOf = (type: string): number => all.filter(({ Type }) => Type === type).length;
  /** A box for a resource of this type; null for something outside of the stacks. */
  const box = (
    x: number,
    top: number,
    boxWidth: number,
    type: string | null,
    lines: readonly string[],
    className = 'box',
  ) => {
    if (type !== null && countOf(type) === 0)
      throw new Error(
        `${lines.join(' ')}: no stack has a ${type}. Take it out of architecture.ts.`,
      );
    return labelled({ x, y: top, width: boxWidth, height: 50 }, className, lines);
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
  const both = (x: number, from: number, to: number) => [
    vertical(x - 6, from, to),
    vertical(x + 6, to, from),
  ];
  const stepsEnd = y.steps + 70;
  const enginesEnd = y.engines + 50;
  const storesEnd = y.bucket + 50;

  const parts: string[] = [
    text(left, 34, 'The architecture, drawn from the table of steps and the stacks', 'title'),
    rectangle(
      { x: left - 12, y: y.steps - 10, width: width - 2 * left + 24, height: 90 },
      'band',
      8,
    ),
    // Who starts a run.
    box(leftOf(0), y.schedule, 150, 'AWS::Events::Rule', ['EventBridge', 'every night']),
    text(
      leftOf(0) + 166,
      y.schedule + 22,
      'or a person: npm start, npm run lake -- run, the console',
      'small quiet',
    ),
    vertical(middleOf(0), y.schedule + 50, y.steps),
    // The state machine.
    text(
      width - left,
      y.steps - 18,
      `Step Functions: ${steps.length} steps, one Lambda function each`,
      'strong',
      'end',
    ),
    ...steps.map(({ state }, index) => {
      const lines = wrapped(state, 11);
      const top = y.steps + 35 - ((lines.length - 1) * 15) / 2 + 4;
      return [
        rectangle({ x: leftOf(index), y: y.steps, width: stepWidth, height: 70 }, 'step'),
        ...lines.map((line, row) => text(middleOf(index), top + row * 15, line, '', 'middle')),
        index === steps.length - 1
          ? ''
          : horizontal(leftOf(index) + stepWidth, y.steps + 35, leftOf(index + 1)),
      ].join('');
    }),
    // What the steps use.
    box(leftOf(0), y.engines, span(0, 0), null, ['X API v2', 'recent search']),
    vertical(middleOf(0), y.engines, y.engines - 34, middleOf(ingest) - 22, stepsEnd),
    box(leftOf(crawl), y.engines, span(crawl, crawl), 'AWS::Glue::Crawler', ['Glue', 'crawler']),
    box(leftOf(clean), y.engines, span(clean, clean), 'AWS::Glue::Job', ['Glue job', 'Spark']),
    box(leftOf(check), y.engines, span(check, publish) - 16, 'AWS::Athena::WorkGroup', [
      'Athena, Glue catalog',
      'checks, published tables',
    ]),
    box(leftOf(train), y.engines, 98, 'AWS::ECR::Repository', ['SageMaker', 'training']),
    box(leftOf(report), y.engines, span(report, report), 'AWS::SNS::Topic', ['SNS', 'mail']),
    ...[crawl, clean, check, publish, train, report].map((index) =>
      vertical(middleOf(index), stepsEnd, y.engines),
    ),
    // The bucket.
    rectangle(
      { x: left - 12, y: y.bucket - 18, width: width - 2 * left + 24, height: 92 },
      'band',
      8,
    ),
    text(middleOf(ingest) + 2, y.bucket + 67, 'one S3 bucket, encrypted', 'small quiet'),
    box(
      middleOf(ingest) + 2,
      y.bucket,
      190,
      'AWS::S3::Bucket',
      ['raw-data/', 'tweets, labels, plans'],
      'store',
    ),
    box(
      leftOf(check) - 16,
      y.bucket,
      180,
      'AWS::S3::Bucket',
      ['cleaned-data/', 'snapshots of days'],
      'store',
    ),
    box(
      leftOf(train),
      y.bucket,
      164,
      'AWS::S3::Bucket',
      ['model-outputs/', 'models, the champion'],
      'store',
    ),
    box(
      leftOf(refresh) - 40,
      y.bucket,
      210,
      'AWS::S3::Bucket',
      ['processed-data/', 'predictions, audit'],
      'store',
    ),
    vertical(middleOf(ingest) + 22, stepsEnd, y.bucket),
    vertical(middleOf(crawl), y.bucket, enginesEnd),
    vertical(middleOf(clean) - 10, y.bucket, enginesEnd),
    vertical(middleOf(clean) + 16, enginesEnd, y.bucket + 25, leftOf(check) - 16),
    ...both(middleOf(check) + 30, enginesEnd, y.bucket),
    horizontal(
      leftOf(check) + 164,
      y.bucket + 25,
      leftOf(train) - 13,
      y.engines + 25,
      leftOf(train),
    ),
    vertical(middleOf(train), enginesEnd, y.bucket),
    vertical(middleOf(refresh), stepsEnd, y.bucket),
    vertical(middleOf(evaluate), y.bucket, stepsEnd),
    vertical(middleOf(promote) - 10, stepsEnd, y.bucket + 25, leftOf(train) + 164),
    // The stream.
    box(leftOf(0), y.stream, span(0, ingest), 'AWS::Kinesis::Stream', [
      'Kinesis',
      'each new tweet',
    ]),
    vertical(middleOf(ingest) - 8, stepsEnd, y.stream),
    box(
      leftOf(check) - 16,
      y.stream,
      190,
      'AWS::Lambda::EventSourceMapping',
      ['score-stream', 'Lambda, in real time'],
      'step',
    ),
    horizontal(leftOf(ingest) + stepWidth, y.stream + 25, leftOf(check) - 16),
    box(leftOf(update) - 46, y.stream, 184, 'AWS::ECR::Repository', [
      'SageMaker endpoint',
      'the champion serves',
    ]),
    horizontal(leftOf(check) + 174, y.stream + 18, leftOf(update) - 46),
    horizontal(leftOf(update) - 46, y.stream + 34, leftOf(check) + 174),
    vertical(leftOf(check) + 120, y.stream, y.stream - 26, leftOf(refresh) - 12, storesEnd),
    ...[update, update + 1].map((index) => {
      const x = middleOf(index);
      return vertical(x, stepsEnd, y.stream);
    }),
    box(leftOf(refresh) - 40, y.stream, 210, 'AWS::Athena::NamedQuery', [
      'Athena',
      'questions of analysts',
    ]),
    vertical(leftOf(refresh) + 110, storesEnd, y.stream),
    // Resources around the pipeline.
    text(left, y.footer, 'Around it:', 'strong'),
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
      'quiet',
    ),
  ];
  return picture(
    width,
    y.footer + 24,
    'The architecture: steps, services, bucket and stream',
    parts,
  );
}
