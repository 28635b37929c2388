import { mkdirSync, writeFileSync } from 'node:fs';
import { join } from 'node:path';
import { architecturePicture } from './architecture';
import { dashboardPicture } from './dashboard';
import { stateMachinePicture } from './state-machine';
import { resources } from './templates';

/* `npm run pictures` draws docs/pictures/*.svg; `npm run screenshots` the console and the report. */
const folder = join(__dirname, '../../docs/pictures');

const all = resources();
mkdirSync(folder, { recursive: true });
for (const [name, drawn] of Object.entries({
  architecture: architecturePicture(all),
  'state-machine': stateMachinePicture(),
  dashboard: dashboardPicture(all),
}))
  writeFileSync(join(folder, `${name}.svg`), drawn);
