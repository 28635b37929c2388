import { render } from 'preact';
import { useEffect, useState } from 'preact/hooks';
import type { Overview } from '../contract';
import { home, isFrozen, takeToken } from './ask';
import { Audit } from './audit';
import { LabelPage } from './label';
import { Ask, Lake } from './lake';
import { Model, Models } from './model';
import { Shown, useGet } from './parts';
import { Run } from './run';
import { Runs } from './runs';

const places = [
  { path: '#/runs', name: 'Runs', needsServer: false },
  { path: '#/lake', name: 'Lake', needsServer: false },
  { path: '#/ask', name: 'Ask', needsServer: true },
  { path: '#/model', name: 'Model', needsServer: false },
  { path: '#/audit', name: 'Audit', needsServer: false },
  { path: '#/label', name: 'Label', needsServer: true },
];

function usePlace(): string {
  const [place, setPlace] = useState(location.hash || home);
  useEffect(() => {
    const change = () => setPlace(location.hash || home);
    addEventListener('hashchange', change);
    return () => removeEventListener('hashchange', change);
  }, []);
  return place;
}

function App() {
  const place = usePlace();
  const overview = useGet<Overview>('/api/overview');
  const [, first = 'runs', second] = place.split('/');
  useEffect(() => {
    document.title = `${second ?? (first || 'runs')} · sentiment-lake`;
    document.querySelector('main')?.focus({ preventScroll: true });
  }, [place]);
  return (
    <>
      <a
        class="skip"
        href="#main"
        onClick={(event) => {
          event.preventDefault();
          document.querySelector('main')?.focus();
        }}
      >
        Skip to the content
      </a>
      <header>
        <strong>sentiment-lake</strong>
        <nav aria-label="Pages">
          {places
            .filter(({ needsServer }) => !needsServer || !isFrozen)
            .map(({ path, name }) => (
              <a href={path} aria-current={path === `#/${first || 'runs'}` ? 'page' : undefined}>
                {name}
              </a>
            ))}
        </nav>
      </header>
      <main id="main" tabIndex={-1}>
        <Shown asked={overview} what="the lake">
          {(seen) => (
            <>
              <p class="quiet">
                {seen.environment} on {seen.place}
                {seen.modelInService !== null && `, model in service ${seen.modelInService}`}
                {seen.usesXStub && ', tweets from the X API stub'}
                {seen.isFrozen && ', a copy in a file'}
                {!seen.mayAct && !seen.isFrozen && ', for looking only'}
              </p>
              <Here first={first} second={second} overview={seen} />
              {seen.provenance !== null && <p class="quiet">{seen.provenance}</p>}
            </>
          )}
        </Shown>
      </main>
    </>
  );
}

function Here({
  first,
  second,
  overview,
}: {
  first: string;
  second: string | undefined;
  overview: Overview;
}) {
  switch (first) {
    case 'lake':
      return <Lake />;
    case 'ask':
      return <Ask />;
    case 'model':
      return second ? (
        <Model key={second} version={second} overview={overview} />
      ) : (
        <Models overview={overview} />
      );
    case 'audit':
      return <Audit version={second} overview={overview} />;
    case 'label':
      return <LabelPage />;
    default:
      return second ? (
        <Run key={second} name={second} overview={overview} />
      ) : (
        <Runs overview={overview} />
      );
  }
}

takeToken();
// A new address in an old tab loads nothing by itself.
addEventListener('hashchange', () => takeToken() && location.reload());
const place = document.getElementById('console');
if (place !== null) render(<App />, place);
