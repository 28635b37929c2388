import { mkdirSync, readFileSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { architecturePicture } from './architecture';
import { dashboardPicture } from './dashboard';
import { figuresOf, RunFigures } from './figures';
import { reportPicture } from './report';
import { stateMachinePicture } from './state-machine';
import { resources } from './templates';

/*
 * `npm run pictures` draws docs/pictures/. `npm run pictures -- .lake/runs/<execution>` first saves the
 * counts of that run in run.json.
 */
const kept = join(__dirname, 'run.json');
const folder = join(__dirname, '../../docs/pictures');

const [run] = process.argv.slice(2);
if (run !== undefined) writeFileSync(kept, `${JSON.stringify(figuresOf(run), null, 2)}\n`);

const all = resources();
mkdirSync(folder, { recursive: true });
for (const [name, drawn] of Object.entries({
  architecture: architecturePicture(all),
  'state-machine': stateMachinePicture(),
  dashboard: dashboardPicture(all),
  report: reportPicture(RunFigures.parse(JSON.parse(readFileSync(kept, 'utf8')))),
}))
  writeFileSync(join(folder, `${name}.svg`), drawn);
