import { existsSync, readdirSync } from 'node:fs';
import { dirname, join } from 'node:path';
import type { Template } from 'aws-cdk-lib/assertions';
import { synthesize } from './synthesis';

// What the Spark job takes with it to Glue: an archive of its own modules and of the packages that etl/job.txt locks.
let pipeline: Template;
let archives: string[];
let files: string[];
beforeAll(() => {
  const assembly = synthesize({ env: 'dev' });
  pipeline = assembly.pipeline;
  const folder = dirname(assembly.files[0] ?? '');
  archives = readdirSync(folder).filter((name) =>
    existsSync(join(folder, name, 'etl', 'transforms.py')),
  );
  files = archives.flatMap((name) =>
    readdirSync(join(folder, name), { recursive: true, encoding: 'utf8' }),
  );
}, 120_000);

test('the job brings the lexicon, its word lists and its licence beside its own modules', () => {
  expect(archives).toHaveLength(1);
  expect(files).toEqual(
    expect.arrayContaining([
      'etl/datasets.json',
      'etl/reading.py',
      'vaderSentiment/vaderSentiment.py',
      'vaderSentiment/vader_lexicon.txt',
      'vaderSentiment/emoji_utf8_lexicon.txt',
      expect.stringMatching(/^vader[Ss]entiment-.*\.dist-info\/.*LICENSE/),
    ]),
  );
});

test('its archive is the job’s, and the same on each machine', () => {
  const hash = archives[0]?.slice('asset.'.length);

  expect(JSON.stringify(pipeline.findResources('AWS::Glue::Job'))).toContain(`${hash}.zip`);
  // What pip writes down of an installation, and what was built for one kind of machine.
  expect(
    files.filter((file) => /(RECORD|INSTALLER|REQUESTED|direct_url\.json|\.pyc|\.so)$/.test(file)),
  ).toEqual([]);
});
