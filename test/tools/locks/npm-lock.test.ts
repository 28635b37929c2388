import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';

const root = join(__dirname, '../../..');

const Entry = z.looseObject({
  version: z.string().optional(),
  integrity: z.string().optional(),
  resolved: z.string().optional(),
  inBundle: z.boolean().optional(),
  link: z.boolean().optional(),
});
const Lock = z.looseObject({ packages: z.record(z.string(), Entry) });

const packagesOf = (file: string) => {
  const { packages } = Lock.parse(JSON.parse(readFileSync(join(root, file), 'utf8')));
  return Object.entries(packages).filter(([path]) => path !== '');
};

describe.each(['package-lock.json', 'ml/serving/package-lock.json'])('%s', (file) => {
  test('says of each package, of each platform, what its file must hash to', () => {
    // What lies inside another package's file is covered by that one's integrity.
    const loose = packagesOf(file).filter(
      ([, { integrity, inBundle }]) =>
        !inBundle && !/^sha512-[A-Za-z0-9+/]{86}==$/.test(integrity ?? ''),
    );

    expect(packagesOf(file).length).toBeGreaterThan(5);
    expect(loose.map(([path]) => path)).toEqual([]);
  });

  test('bundled packages lie in one that has an integrity', () => {
    const packages = packagesOf(file);
    const hashed = packages.filter(([, { integrity }]) => integrity).map(([path]) => path);

    const loose = packages.filter(
      ([path, { inBundle }]) =>
        inBundle && !hashed.some((holder) => path.startsWith(`${holder}/node_modules/`)),
    );

    expect(loose.map(([path]) => path)).toEqual([]);
  });

  test('names no host and links to no folder', () => {
    const foreign = packagesOf(file).filter(
      ([, { resolved, link, version }]) => resolved !== undefined || link || version === undefined,
    );

    expect(foreign.map(([path]) => path)).toEqual([]);
  });
});

test('no package runs a program while it is installed', () => {
  expect(readFileSync(join(root, '.npmrc'), 'utf8').split('\n')).toContain('ignore-scripts=true');
});
