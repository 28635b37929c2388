/**
 * Runs `act` for each item, `limit` at a time; results keep the items' order. After a failure no further item is
 * started, and the first error is thrown.
 */
export async function inParallel<Item, Result>(
  atATime: number,
  items: readonly Item[],
  act: (item: Item) => Promise<Result>,
): Promise<Result[]> {
  const results: Result[] = [];
  const waiting = items.entries();
  let hasFailed = false;
  const work = async () => {
    // All workers draw from the same iterator.
    for (const [index, item] of waiting) {
      if (hasFailed) return;
      try {
        results[index] = await act(item);
      } catch (error) {
        hasFailed = true;
        throw error;
      }
    }
  };
  await Promise.all(Array.from({ length: Math.min(atATime, items.length) }, work));
  return results;
}
