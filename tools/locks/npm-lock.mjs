/**
 * The packages that npm would install from the registry without an integrity check, as `{ name, entry }`. Packages
 * bundled in another package's file are covered by that package's integrity.
 */
export function withoutIntegrity(lock) {
  return Object.entries(lock.packages)
    .filter(([path, entry]) => path !== '' && !entry.link && !entry.inBundle)
    .filter(([, entry]) => !/^sha512-/.test(entry.integrity ?? ''))
    .map(([path, entry]) => ({ name: entry.name ?? path.split('node_modules/').at(-1), entry }));
}
