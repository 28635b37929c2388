import { useState } from 'preact/hooks';
import type { Answered, LexiconOpinion } from '../contract';
import { post } from './ask';
import { sentiments } from './chart';
import { harmless, percent } from './parts';

const messageOf = (error: unknown): string =>
  error instanceof Error ? error.message : String(error);

/** Asks the model in service, and again without each word, and beside it the lexicon. Neither waits for the other. */
export function Try() {
  const [text, setText] = useState('');
  const [answer, setAnswer] = useState<Answered | null>(null);
  const [problem, setProblem] = useState('');
  const [lexicon, setLexicon] = useState<LexiconOpinion | null>(null);
  const send = () => {
    setProblem('');
    setAnswer(null);
    setLexicon(null);
    post<Answered>('/api/predict', { text }).then(setAnswer, (error: unknown) =>
      setProblem(messageOf(error)),
    );
    post<LexiconOpinion>('/api/lexicon', { text }).then(setLexicon, (error: unknown) =>
      setLexicon({ opinion: null, problem: messageOf(error) }),
    );
  };
  return (
    <form
      class="panel"
      onSubmit={(event) => {
        event.preventDefault();
        send();
      }}
    >
      <label>
        Try a tweet
        <textarea rows={2} value={text} onInput={(event) => setText(event.currentTarget.value)} />
      </label>
      <button type="submit" class="main" disabled={text.trim() === ''}>
        What does the model say?
      </button>
      <div aria-live="polite">
        {problem !== '' && <p class="wrong">{harmless(problem)}</p>}
        {answer !== null && <Said {...answer} />}
        {lexicon !== null && <LexiconSaid {...lexicon} />}
        {answer !== null && lexicon?.opinion && lexicon.opinion.label !== answer.label && (
          <p>Model and lexicon read this text differently.</p>
        )}
      </div>
    </form>
  );
}

/** A share in whole points: +3, −12, 0. */
function inPoints(share: number): string {
  const points = Math.round(Math.abs(share) * 100);
  return points === 0 ? '0' : `${share < 0 ? '−' : '+'}${points}`;
}

function Said({ label, probabilities, modelVersion, words }: Answered) {
  const most = Math.max(0.01, ...words.map(({ falls }) => Math.abs(falls)));
  return (
    <>
      <p>
        Model: <strong class={label}>{label}</strong>
        {', '}
        {sentiments.map((name) => `${name} ${percent(probabilities[name])}`).join(', ')}
        <span class="quiet"> {modelVersion}</span>
      </p>
      {words.length > 0 && (
        <>
          <p class="quiet">
            How much the answer&apos;s probability falls without each word (leave one out); a minus
            means that the word speaks against it.
          </p>
          <ul class="words">
            {words.map(({ word, falls }) => (
              <li
                style={{ '--weight': Math.abs(falls) / most }}
                class={falls >= 0 ? 'for' : 'against'}
              >
                <bdi>{harmless(word)}</bdi> <small>{inPoints(falls)}</small>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}

const signed = (value: number): string => `${value < 0 ? '−' : '+'}${Math.abs(value).toFixed(1)}`;

function LexiconSaid({ opinion, problem }: LexiconOpinion) {
  if (opinion === null) return <p class="wrong">{harmless(problem ?? '')}</p>;
  const { label, compound, words } = opinion;
  return (
    <>
      <p>
        Lexicon (VADER): <strong class={label}>{label}</strong>, compound score{' '}
        {compound.toFixed(2).replace('-', '−')}
      </p>
      {words.length === 0 ? (
        <p class="quiet">The lexicon rates none of these words.</p>
      ) : (
        <>
          <p class="quiet">
            Its rated words, from −4 to +4, and what they count for here by its rules: negation,
            boosters, capitals and &ldquo;but&rdquo;.
          </p>
          <ul class="words rated">
            {words.map(({ word, rating, counts }) => (
              <li
                style={{ '--weight': Math.min(1, Math.abs(counts) / 4) }}
                class={counts >= 0 ? 'good' : 'bad'}
              >
                <bdi>{harmless(word)}</bdi>{' '}
                <small>
                  {signed(rating)}
                  {Math.abs(counts - rating) >= 0.05 && `, counts ${signed(counts)}`}
                </small>
              </li>
            ))}
          </ul>
        </>
      )}
    </>
  );
}
