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

/** Functions that get the SQL as `queries.json` beside their code. */
const withQueries: readonly FunctionName[] = ['check-data', 'refresh-analytics', 'report-run'];

/** Bundles every handler with its dependencies to `<folder>/<name>/index.js`, in one esbuild run. */
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
    // jsonc-parser's CommonJS files load each other by names that no bundler can resolve.
    mainFields: ['module', 'main'],
    // Not minified, so that stack traces in the log name the failed function.
    logLevel: 'warning',
  });
  const queries = JSON.stringify(renderedCatalog());
  for (const name of withQueries) writeFileSync(join(folder, name, 'queries.json'), queries);
}
