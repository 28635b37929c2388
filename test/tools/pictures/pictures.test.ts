import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { architecturePicture } from '../../../tools/pictures/architecture';
import { dashboardPicture } from '../../../tools/pictures/dashboard';
import { stateMachinePicture } from '../../../tools/pictures/state-machine';
import { resourcesIn, type Resource } from '../../../tools/pictures/templates';
import { synthesize } from '../../infra/synthesis';

const root = join(__dirname, '../../..');
const committed = (name: string) =>
  readFileSync(join(root, 'docs/pictures', `${name}.svg`), 'utf8');

let resources: Resource[];
beforeAll(() => {
  resources = resourcesIn(synthesize({ env: 'prod' }).files);
}, 120_000);

// Not equal? `npm run pictures` draws them anew.
test.each<[string, () => string]>([
  ['architecture', () => architecturePicture(resources)],
  ['dashboard', () => dashboardPicture(resources)],
  ['state-machine', stateMachinePicture],
])('docs/pictures/%s.svg shows what there is now', (name, draw) => {
  expect(committed(name)).toBe(draw());
});

test('a service that no stack has any more is not drawn in silence', () => {
  const without = resources.filter(({ Type }) => Type !== 'AWS::Kinesis::Stream');

  expect(() => architecturePicture(without)).toThrow(/Kinesis.*AWS::Kinesis::Stream/);
});
