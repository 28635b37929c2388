import { readdirSync, readFileSync } from 'node:fs';
import { join } from 'node:path';
import { PROJECT } from '../cloud';

/** Every path that a source of ministack compares with or begins with, admin routes and services' alike. */
export function routesOfMinistack(): string[] {
  const lib = join(PROJECT, '.venv', 'lib');
  const python = readdirSync(lib).find((name) => name.startsWith('python3')) ?? '';
  const root = join(lib, python, 'site-packages', 'ministack');
  const sources = [
    join(root, 'app.py'),
    join(root, 'core', 'router.py'),
    join(root, 'core', 'rds_iam.py'),
  ];
  const found = sources.flatMap((source) =>
    [...readFileSync(source, 'utf8').matchAll(/["'](\/[\w.-][\w./-]*)["']/g)].map(
      ([, path = '']) => path,
    ),
  );
  return [...new Set(found)].sort();
}
