// Bundles the serving program into one file: `node ml/serving/build.mjs` → dist/serving/server.cjs.
import { dirname, join } from 'node:path';
import { fileURLToPath } from 'node:url';
import { build } from 'esbuild';

const here = dirname(fileURLToPath(import.meta.url));

await build({
  entryPoints: [join(here, 'server.ts')],
  outfile: join(here, '../../dist/serving/server.cjs'),
  bundle: true,
  platform: 'node',
  target: 'node20',
  format: 'cjs',
  // Native code, loaded from node_modules: above the bundle, or beside it in the image.
  external: ['onnxruntime-node'],
  logLevel: 'warning',
});
