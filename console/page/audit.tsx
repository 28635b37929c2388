import type { AuditView, ModelLine, Overview, StarterView } from '../contract';
import { count, harmless, Records, Shown, Table, Time, useGet } from './parts';

/** Who made the model that gave an answer, of what, and by whose decision. */
export function Audit({ version, overview }: { version: string | undefined; overview: Overview }) {
  const asked = version ?? overview.modelInService;
  return (
    <section>
      <h1>Audit</h1>
      <p>
        Each prediction names its model (<code>model_version</code> in the table <code>scored</code>
        ). This is what made that model, and who.
      </p>
      {asked === null ? (
        <p>No model is in service yet: the first nightly run trains one.</p>
      ) : (
        <>
          <Choice chosen={asked} />
          <Origin key={asked} version={asked} />
        </>
      )}
    </section>
  );
}

function Choice({ chosen }: { chosen: string }) {
  const models = useGet<ModelLine[]>('/api/models');
  return (
    <Shown asked={models} what="the models">
      {(lines) => {
        const versions = [...new Set([chosen, ...lines.map(({ version }) => version)])];
        return (
          <label>
            Model{' '}
            <select
              value={chosen}
              onChange={({ currentTarget }) => {
                location.hash = `#/audit/${currentTarget.value}`;
              }}
            >
              {versions.map((one) => (
                <option value={one}>{one}</option>
              ))}
            </select>
          </label>
        );
      }}
    </Shown>
  );
}

/** Who started a run; with the proof, or that there is none. */
export function Starter({ by }: { by: StarterView }) {
  const source = {
    CloudTrail: 'by CloudTrail',
    input: 'as its input says, which anybody who may start a run can write',
    unknown: 'neither CloudTrail nor its input says',
  }[by.source];
  return (
    <>
      <strong>{harmless(by.who ?? 'unknown')}</strong> ({source}), with: {by.with}
      {by.source === 'CloudTrail' && by.claimed !== null && by.claimed !== by.who && (
        <>; in its input {harmless(by.claimed)}</>
      )}
      {by.redrivenBy !== null && <>; redriven by {harmless(by.redrivenBy)}</>}
    </>
  );
}

function Origin({ version }: { version: string }) {
  const audit = useGet<AuditView>(`/api/audit/${version}`);
  return (
    <Shown asked={audit} what="the model's origin">
      {(view) => (
        <>
          <h2>
            <a href={`#/model/${view.version}`}>{view.version}</a>
            {view.inService ? ', in service' : ''}
          </h2>
          {view.missing.map((line) => (
            <p class="wrong">{harmless(line)}</p>
          ))}
          {view.forgotten !== null && <p class="wrong">This model {harmless(view.forgotten)}.</p>}
          <People view={view} />
          <Data view={view} />
          <h2>Records</h2>
          <Records records={view.records} />
          <p>
            <a href={`#/model/${view.version}`}>Manifest and evaluation of this model</a>
          </p>
        </>
      )}
    </Shown>
  );
}

const People = ({ view: { trained, decided, commit, isDirty, images } }: { view: AuditView }) => (
  <dl>
    <dt>Trained by the run</dt>
    <dd>
      {trained === null ? (
        'unknown'
      ) : (
        <>
          <a href={`#/runs/${trained.execution}`}>{trained.execution}</a>, started{' '}
          <Time at={trained.startedAt} /> UTC
        </>
      )}
    </dd>
    <dt>Started by</dt>
    <dd>{trained === null ? 'unknown' : <Starter by={trained.startedBy} />}</dd>
    {decided !== null && (
      <>
        <dt>Decision</dt>
        <dd>
          {decided.decision} by <a href={`#/runs/${decided.execution}`}>{decided.execution}</a>,{' '}
          <Time at={decided.at} /> UTC
          {decided.startedBy !== null && decided.execution !== trained?.execution && (
            <>
              , started by <Starter by={decided.startedBy} />
            </>
          )}
        </dd>
      </>
    )}
    <dt>Code</dt>
    <dd>
      {commit === null ? 'unknown' : <code>{commit}</code>}
      {isDirty && <span class="wrong"> with changes that are in no commit</span>}
    </dd>
    {images !== null && (
      <>
        <dt>Images</dt>
        <dd>
          <code>{images.training}</code> <code>{images.serving}</code>
        </dd>
      </>
    )}
  </dl>
);

function Data({ view: { days, labels, labelRows } }: { view: AuditView }) {
  const tweets = days.reduce((sum, { rows }) => sum + rows, 0);
  return (
    <>
      <h2>Tweets and labels</h2>
      <p>
        {count(tweets)} tweets of {count(days.length)} days
        {labelRows !== null &&
          `; human labels: ${count(labelRows.train)} to train, ${count(labelRows.validation)} to validate, ${count(labelRows.heldOut)} held out`}
      </p>
      {days.length > 0 && (
        <Table
          about="Days of tweets that the training was given"
          rows={days}
          columns={[
            { name: 'day', of: ({ date }) => date },
            { name: 'snapshot', of: ({ version }) => <code>{version}</code> },
            { name: 'tweets', isNumber: true, of: ({ rows }) => count(rows) },
          ]}
        />
      )}
      {labels.length > 0 && (
        <Table
          about="Objects of labels that the training was given"
          rows={labels}
          columns={[
            { name: 'labels', of: ({ uri }) => <code>{uri}</code> },
            { name: 'ETag', of: ({ etag }) => <code>{etag.replaceAll('"', '')}</code> },
          ]}
        />
      )}
    </>
  );
}
