import { useState } from 'preact/hooks';
import { post } from './ask';
import { Shown, useGet } from './parts';

/** What the console reads of the JSON Schema of a run's input. */
interface Field {
  type?: string;
  enum?: string[];
  default?: unknown;
  description?: string;
  anyOf?: Field[];
}
interface Form {
  properties: Record<string, Field>;
}

/** Fields that nobody fills by hand: the nightly rule does, or a command. */
const ofPrograms = new Set(['scheduledFor', 'startedBy', 'import', 'force']);
/** What each mode needs beside its name. */
const byMode: Record<string, readonly string[]> = {
  nightly: ['keywords', 'maxTweets', 'training'],
  retrain: ['training'],
  ingest: ['keywords', 'maxTweets'],
  backfill: ['from', 'to', 'keywords', 'maxTweets'],
  replay: ['from', 'to', 'stream'],
  rollback: ['model'],
};

/** The form's text as the value that the schema wants; undefined leaves the field out. Throws SyntaxError for JSON. */
function valueOf(field: Field, text: string): unknown {
  if (text.trim() === '') return undefined;
  switch (field.type) {
    case 'integer':
    case 'number':
      return Number(text);
    case 'boolean':
      return text === 'true';
    case 'array':
      return text.trim().startsWith('[')
        ? JSON.parse(text)
        : text
            .split(',')
            .map((word) => word.trim())
            .filter((word) => word !== '');
    case 'object':
      return JSON.parse(text);
    default:
      return text;
  }
}

/** Starts a run with a form made of the schema of the machine's input; the server checks it with the same schema. */
export function StartForm() {
  const form = useGet<Form>('/api/form');
  return (
    <details class="panel">
      <summary>Start a run</summary>
      <Shown asked={form} what="the form">
        {({ properties }) => <Fields properties={properties} />}
      </Shown>
    </details>
  );
}

function Fields({ properties }: Form) {
  const modes = (properties.mode?.enum ?? []).filter((mode) => mode in byMode);
  const [mode, setMode] = useState('nightly');
  const [texts, setTexts] = useState<Record<string, string>>({});
  const [problem, setProblem] = useState('');
  const [busy, setBusy] = useState(false);
  const shown = (byMode[mode] ?? []).filter((name) => name in properties && !ofPrograms.has(name));

  const start = async () => {
    setProblem('');
    setBusy(true);
    try {
      const given = shown.map((name): [string, unknown] => [
        name,
        valueOf(properties[name] ?? {}, texts[name] ?? ''),
      ]);
      const input = {
        mode,
        ...Object.fromEntries(given.filter(([, value]) => value !== undefined)),
      };
      const { name } = await post<{ name: string }>('/api/start', { input });
      location.hash = `#/runs/${name}`;
    } catch (error) {
      setProblem(error instanceof Error ? error.message : String(error));
    } finally {
      setBusy(false);
    }
  };

  return (
    <form
      onSubmit={(event) => {
        event.preventDefault();
        void start();
      }}
    >
      <label>
        mode{' '}
        <select value={mode} onChange={(event) => setMode(event.currentTarget.value)}>
          {modes.map((one) => (
            <option>{one}</option>
          ))}
        </select>
      </label>
      {shown.map((name) => {
        const field = properties[name] ?? {};
        return (
          <label>
            {name}{' '}
            {field.type === 'boolean' ? (
              <select
                value={texts[name] ?? ''}
                onChange={(event) => setTexts({ ...texts, [name]: event.currentTarget.value })}
              >
                <option value="">{`as usual (${String(field.default)})`}</option>
                <option value="true">true</option>
                <option value="false">false</option>
              </select>
            ) : (
              <input
                type="text"
                inputMode={field.type === 'integer' ? 'numeric' : 'text'}
                placeholder={hintOf(name, field)}
                value={texts[name] ?? ''}
                onInput={(event) => setTexts({ ...texts, [name]: event.currentTarget.value })}
              />
            )}
          </label>
        );
      })}
      <button type="submit" class="main" disabled={busy}>
        Start {mode}
      </button>
      {problem !== '' && (
        <p class="wrong" role="alert">
          {problem}
        </p>
      )}
    </form>
  );
}

function hintOf(name: string, { type }: Field): string {
  if (name === 'from' || name === 'to') return '2026-11-24';
  if (type === 'object') return '{"epochs": 6}';
  if (type === 'array') return 'coffee, flat white';
  return 'as configured';
}
