/** Questions that a page, or the file of a run, has asked at a time: on a laptop each is a process of its own. */
const MOST = 2;

let busy = 0;
const waiting: (() => void)[] = [];

/** Does work when its turn comes, in the order of the calls. */
export async function inTurn<Answer>(work: () => Promise<Answer>): Promise<Answer> {
  if (busy < MOST) busy += 1;
  else await new Promise<void>((go) => waiting.push(go));
  try {
    return await work();
  } finally {
    const next = waiting.shift();
    if (next === undefined) busy -= 1;
    else next();
  }
}
