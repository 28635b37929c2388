import { useEffect, useRef, useState } from 'preact/hooks';
import type { LabelGiven, LabelQueue } from '../contract';
import { ask, post } from './ask';
import { Needed } from './needed';
import { count, Quoted } from './parts';

const keys: Readonly<Record<string, LabelGiven['label']>> = {
  1: 'negative',
  2: 'neutral',
  3: 'positive',
  s: 'skip',
};

/** One text after the other, labelled with a key each. Each answer is stored before the next text is shown. */
export function LabelPage() {
  const [queue, setQueue] = useState<LabelQueue | null>(null);
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(true);
  const fail = (error: unknown) =>
    setProblem(error instanceof Error ? error.message : String(error));

  useEffect(() => {
    const gone = new AbortController();
    ask<LabelQueue>('/api/labels', gone.signal)
      .then(setQueue, fail)
      .finally(() => setBusy(false));
    return () => gone.abort();
  }, []);

  const give = (label: LabelGiven['label']) => {
    const hash = queue?.text?.hash;
    if (hash === undefined || busy) return;
    setBusy(true);
    setProblem('');
    post<LabelQueue>('/api/labels', { hash, label }).then(
      (next) => {
        setQueue(next);
        setBusy(false);
      },
      (error: unknown) => {
        fail(error);
        setBusy(false);
      },
    );
  };
  // As of the text that is shown: an effect would take the new one only after it is painted, and a fast key be lost.
  const answer = useRef(give);
  answer.current = give;

  useEffect(() => {
    const press = (event: KeyboardEvent) => {
      const label = keys[event.key];
      if (label === undefined || event.ctrlKey || event.metaKey || event.altKey) return;
      event.preventDefault();
      answer.current(label);
    };
    addEventListener('keydown', press);
    return () => removeEventListener('keydown', press);
  }, []);

  return (
    <section>
      <h1>Label tweets</h1>
      <p>
        Half of the texts are drawn at random, half are those that the model is least sure of. Keys:
        1 negative, 2 neutral, 3 positive, s skips.
      </p>
      {problem !== '' && (
        <p class="wrong" role="alert">
          {problem}
        </p>
      )}
      {queue === null && problem === '' && (
        <p class="quiet" role="status">
          Loading the texts …
        </p>
      )}
      {queue !== null && (
        <>
          <blockquote aria-live="polite" class="tweet">
            {queue.text === null ? (
              'No tweet of the last days lacks a label.'
            ) : (
              <Quoted text={queue.text.text} />
            )}
          </blockquote>
          {queue.text !== null && (
            <p>
              {Object.entries(keys).map(([key, label]) => (
                <button type="button" class={label} disabled={busy} onClick={() => give(label)}>
                  {key} {label}
                </button>
              ))}
            </p>
          )}
          <p class="quiet" role="status">
            {count(queue.stored)} labels stored, {count(queue.left)} texts left.
          </p>
          <p class="quiet">
            {queue.leftHeldOut === 0
              ? 'None of them is on the held-out side: their labels train models, and do not narrow the interval.'
              : `On the held-out side: ${count(queue.leftHeldOut)}. Such a label narrows the interval if its text came up at random.`}
          </p>
        </>
      )}
      <Needed />
    </section>
  );
}
