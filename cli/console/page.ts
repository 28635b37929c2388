import { createHash } from 'node:crypto';
import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { buildSync } from 'esbuild';

export interface Page {
  /** By path. */
  files: ReadonlyMap<string, { type: string; body: string }>;
  script: string;
  style: string;
}

/** Bundles the page; takes a tenth of a second, so nothing built has to be kept. */
export function buildPage(root: string): Page {
  const folder = join(root, 'console', 'page');
  const { outputFiles } = buildSync({
    entryPoints: [join(folder, 'main.tsx')],
    absWorkingDir: root,
    bundle: true,
    minify: true,
    write: false,
    format: 'iife',
    target: 'es2022',
    jsx: 'automatic',
    jsxImportSource: 'preact',
    legalComments: 'none',
    define: { 'process.env.NODE_ENV': '"production"' },
  });
  const script = outputFiles[0]?.text ?? '';
  const style = readFileSync(join(folder, 'style.css'), 'utf8');
  const html = readFileSync(join(folder, 'index.html'), 'utf8');
  return {
    script,
    style,
    files: new Map([
      ['/', { type: 'text/html; charset=utf-8', body: html }],
      ['/console.js', { type: 'text/javascript; charset=utf-8', body: script }],
      ['/console.css', { type: 'text/css; charset=utf-8', body: style }],
    ]),
  };
}

/** Text inside of `<script type="application/json">`: no tag can begin in it. */
const asInlineJson = (value: unknown): string => JSON.stringify(value).replaceAll('<', '\\u003c');

export interface Frozen {
  title: string;
  /** Where the file opens: `#/runs/nightly-20261124-021500`. */
  place: string;
  /** By path, such as `/api/runs`. */
  answers: Readonly<Record<string, unknown>>;
}

const asAttribute = (text: string): string =>
  text.replace(/[&<>"']/g, (sign) => `&#${sign.charCodeAt(0)};`);

/**
 * The page with answers in it, as one file that needs no server. Its policy lets no script run but the page's own, and
 * nothing be loaded.
 */
export function frozenPage({ script, style }: Page, { title, place, answers }: Frozen): string {
  const inline = script.replaceAll('</script', '<\\/script');
  const hash = createHash('sha256').update(inline).digest('base64');
  return `<!doctype html>
<html lang="en">
<head>
<meta charset="utf-8">
<meta http-equiv="Content-Security-Policy" content="default-src 'none'; script-src 'sha256-${hash}'; style-src 'unsafe-inline'">
<meta name="viewport" content="width=device-width, initial-scale=1">
<title>${asAttribute(title)}</title>
<style>${style}</style>
</head>
<body>
<div id="console" data-place="${asAttribute(place)}"></div>
<script type="application/json" id="answers">${asInlineJson(answers)}</script>
<script>${inline}</script>
</body>
</html>
`;
}
