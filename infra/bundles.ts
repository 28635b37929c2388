import { writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';
import { renderedCatalog } from '../queries/catalog';
import { functionNames } from '../workflows/steps';
import type { FunctionName } from '../workflows/steps';
import { inRepository, repositoryRoot } from './repository';

/** The two handlers behind `Custom::ImageBuild`. */
export const imageBuildHandlers = ['start-image-build', 'is-image-build-complete'] as const;
export type BundleName = FunctionName | (typeof imageBuildHandlers)[number];

/** They find the SQL as `queries.json` beside their code. */
const withQueries: readonly FunctionName[] = ['check-data', 'refresh-analytics'];

/** Bundles every handler, its dependencies included, to `<folder>/<name>/index.js`: one esbuild run for all. */
export function bundleHandlers(folder: string): void {
  buildSync({
    absWorkingDir: repositoryRoot,
    entryPoints: Object.fromEntries([
      ...functionNames.map((name) => [name, inRepository('functions', `${name}.ts`)]),
      ...imageBuildHandlers.map((name) => [
        name,
        inRepository('infra', 'image-build', `${name}.ts`),
      ]),
    ]),
    outdir: folder,
    entryNames: '[name]/index',
    bundle: true,
    platform: 'node',
    // The embedded cloud runs them on the machine's Node, which may be 20.
    target: 'node20',
    format: 'cjs',
    // jsonc-parser's CommonJS files load one another by names that no bundler can follow.
    mainFields: ['module', 'main'],
    // Not minified: a stack trace in the log has to name the function that failed.
    logLevel: 'warning',
  });
  const queries = JSON.stringify(renderedCatalog());
  for (const name of withQueries) writeFileSync(join(folder, name, 'queries.json'), queries);
}
