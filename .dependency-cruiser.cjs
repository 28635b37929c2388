/**
 * Which room may import which. Rooms from low to high; a file imports its own room and rooms below it:
 *
 *   workflows, queries  <  functions, ml/serving  <  infra  <  session  <  erasure, embedded, console  <  cli  <  tools
 */
const rooms = [
  { name: 'workflows', path: '^workflows/', may: ['^workflows/', '^etl/text/'] },
  { name: 'queries', path: '^queries/', may: ['^queries/', '^workflows/'] },
  { name: 'serving', path: '^ml/', may: ['^ml/'] },
  { name: 'functions', path: '^functions/', may: ['^(functions|workflows|queries)/'] },
  { name: 'infra', path: '^infra/', may: ['^(infra|functions|workflows|queries)/'] },
  { name: 'session', path: '^session/', may: ['^(session|infra|functions|workflows)/'] },
  { name: 'erasure', path: '^erasure/', may: ['^(erasure|session|functions|workflows)/'] },
  {
    name: 'embedded',
    path: '^embedded/',
    may: ['^(embedded|session|infra|functions|workflows)/', '^ml/serving/'],
  },
  // What runs in the browser, and what it asks: nothing of Node.
  { name: 'console', path: '^console/', may: ['^(console|workflows)/'] },
  {
    name: 'cli',
    path: '^cli/',
    may: ['^(cli|console|erasure|embedded|session|infra|functions|workflows|queries)/'],
  },
  { name: 'tools', path: '^tools/', may: ['^(?!test/)'] },

  // Inside functions/: entries at the root, then report and ingest, model, lake, settings, x, shared.
  { name: 'shared', path: '^functions/shared/', may: ['^(functions/shared|workflows)/'] },
  { name: 'x', path: '^functions/x/', may: ['^(functions/(x|shared)|workflows)/'] },
  {
    name: 'settings',
    path: '^functions/settings/',
    may: ['^(functions/(settings|x|shared)|workflows)/'],
  },
  {
    name: 'lake',
    path: '^functions/lake/',
    may: ['^(functions/(lake|settings|x|shared)|workflows|queries)/'],
  },
  {
    name: 'model',
    path: '^functions/model/',
    may: ['^(functions/(model|lake|settings|x|shared)|workflows|queries)/'],
  },
  {
    name: 'ingest',
    path: '^functions/ingest/',
    may: ['^(functions/(ingest|lake|settings|x|shared)|workflows)/'],
  },
  {
    name: 'report',
    path: '^functions/report/',
    may: ['^(functions/(report|model|lake|settings|shared)|workflows|queries)/'],
  },
  { name: 'constructs', path: '^infra/constructs/', may: ['^(?!infra/(stacks/|app))'] },
  { name: 'gateway', path: '^embedded/gateway/', may: ['^(?!embedded/(cloud|x-api)/)'] },
];

module.exports = {
  forbidden: [
    { name: 'no-circle', severity: 'error', from: {}, to: { circular: true } },
    {
      name: 'no-test-in-product',
      severity: 'error',
      from: { pathNot: '^test/' },
      to: { path: '^test/' },
    },
    ...rooms.map(({ name, path, may }) => ({
      name: `${name}-imports-downwards`,
      severity: 'error',
      from: { path },
      to: {
        pathNot: ['node_modules/', ...may],
        dependencyTypesNot: ['core', 'npm', 'npm-dev', 'unknown'],
      },
    })),
  ],
  options: {
    doNotFollow: { path: 'node_modules' },
    exclude: { path: '\\.(json|txt)$' },
    tsConfig: { fileName: 'tsconfig.json' },
    tsPreCompilationDeps: true,
    enhancedResolveOptions: { extensions: ['.ts', '.tsx', '.mjs', '.cjs', '.js'] },
  },
};
