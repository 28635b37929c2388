/**
 * The packages that npm would install from the registry without being able to tell a changed one, as
 * `{ name, entry }`. What lies inside another package's file is covered by that one's integrity.
 */
export function withoutIntegrity(lock) {
  return Object.entries(lock.packages)
    .filter(([path, entry]) => path !== '' && !entry.link && !entry.inBundle)
    .filter(([, entry]) => !/^sha512-/.test(entry.integrity ?? ''))
    .map(([path, entry]) => ({ name: entry.name ?? path.split('node_modules/').at(-1), entry }));
}
