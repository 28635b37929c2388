#!/usr/bin/env node
// The program `lake`: `npx lake query`, in the project's folder, is `npm run lake -- query`.
process.argv.splice(2, 0, 'lake');
await import('./main.mjs');
