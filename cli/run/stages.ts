import { isFailed } from '../../workflows/evaluation';
import { z } from 'zod';
import { unreadableNote } from '../../functions/ingest/summary';
import { countOf, PlanRunOutput, publishedIn, RunReport, RunState } from '../../workflows/payloads';
import type { SetAside } from '../../workflows/payloads';
import type { Difference } from '../../workflows/evaluation';
import { answerOf, stepOfState } from '../../workflows/steps';
import type { StateName } from '../../workflows/steps';

/** The states of the machine that do the work; Choice and Wait states are not told. */
export type StageName = StateName;

/** What a step's answer says to a person; `done` is false while its stage loops. */
export interface StageNews {
  done: boolean;
  text: string;
}

export const count = (value: number): string => value.toLocaleString('en-US');
export const counted = (value: number, one: string, many = `${one}s`): string =>
  `${count(value)} ${value === 1 ? one : many}`;
const percent = (share: number): string => (share * 100).toFixed(1);
/** A share in percent points with its sign: `+1.2`, `−0.3`. */
export const signed = (share: number): string =>
  `${share < 0 ? '−' : '+'}${Math.abs(share * 100).toFixed(1)}`;
const difference = ({ value, low, high }: Difference): string =>
  `${signed(value)} [${signed(low)}, ${signed(high)}]`;

const Keyed = z.looseObject({});

const shapes = RunState.shape;
/** Without the intervals: plans of older releases name them otherwise. */
const Plan = PlanRunOutput.omit({ poll: true }).loose();

function tell<Schema extends z.ZodType>(
  schema: Schema,
  value: unknown,
  text: (answer: z.infer<Schema>) => StageNews | string,
): StageNews | undefined {
  const parsed = schema.safeParse(value);
  if (!parsed.success) return undefined;
  const told = text(parsed.data);
  return typeof told === 'string' ? { done: true, text: told } : told;
}

/** What the run is to fetch, and the most that it may cost: said before the first call to X. */
function describePlan({
  mode,
  date,
  source,
  queries,
  maxTweets,
  maxSpendUsd,
  reprocess,
  rollbackTo,
}: z.infer<typeof Plan>): string {
  switch (source.kind) {
    case 'replay':
      return `${mode} of ${counted(reprocess.length, 'day')}${source.stream ? ', sent to the stream again' : ''}`;
    case 'import':
      return `${mode} of ${source.name}`;
    case 'backfill':
    case 'news': {
      const when =
        source.kind === 'backfill' ? `from ${source.from} to ${source.to}` : `for ${date}`;
      const posts = `at most ${counted(maxTweets, 'tweet')} ($${maxSpendUsd.toFixed(2)} at X's price)`;
      if (mode === 'rollback') return `${mode} to ${rollbackTo ?? 'the model before'}`;
      return mode === 'retrain'
        ? `${mode} ${when}`
        : `${mode} ${when}, ${counted(queries.length, 'query', 'queries')}, ${posts}`;
    }
  }
}

/** What a step says of its work, and of an object that it went on without. */
const said = (unreadable: SetAside | undefined, text: string): string =>
  [text, ...unreadableNote(unreadable)].join('; ');

const looping = (text: string): StageNews => ({ done: false, text });

/** What a person reads of a step's answer, for the steps that have more to say than that they are done. */
const tellers: Partial<Record<StageName, (value: unknown) => StageNews | undefined>> = {
  'Plan the run': (value) =>
    tell(Plan, value, (plan) =>
      plan.skip === null ? describePlan(plan) : `nothing to run: ${plan.skip}`,
    ),
  'Ingest tweets': (value) =>
    tell(shapes.ingest, value, (ingest) => {
      if (ingest.status === 'PENDING') return looping('');
      if (ingest.status === 'BUSY')
        return looping(`${ingest.holder.split(':').at(-1)} is ingesting; waiting for it`);
      const { received, written, duplicates, quarantined, pages } = ingest;
      const sums = `${count(received)} received = ${count(written)} written + ${count(duplicates)} duplicates + ${count(quarantined)} quarantined`;
      if (ingest.status === 'RATE_LIMITED')
        return looping(
          `${sums}; X's rate window is used up, continues at ${ingest.resumeAt.slice(11, 19)} UTC`,
        );
      if (ingest.status === 'MORE') return looping(`${sums}, more to come`);
      if (received === 0) return ingest.note ?? 'no new tweets';
      return `${sums}, on ${counted(pages, 'page')}${ingest.note === null ? '' : ` (${ingest.note})`}`;
    }),
  'Crawl raw data': (value) =>
    tell(shapes.crawl, value, (crawl) =>
      crawl.status === 'DONE'
        ? `${counted(crawl.partitions, 'day')} of raw data in the catalog`
        : looping('the crawler is running'),
    ),
  'Clean tweets': (value) =>
    tell(shapes.clean, value, (clean) => {
      if (clean.status === 'NOTHING_NEW') return 'no day has new raw data';
      if (clean.status !== 'DONE') {
        return looping(
          clean.status === 'RUNNING'
            ? `Spark is cleaning ${counted(countOf(clean.days), 'day')}`
            : '',
        );
      }
      const { read, written, duplicates, quarantined, human_labels, lexicon_labels, unreadable } =
        clean.summary;
      return said(
        unreadable,
        `${count(read)} rows read = ${count(written)} written + ${count(duplicates)} duplicates + ${count(quarantined)} quarantined, ` +
          `${counted(countOf(clean.days), 'day')}; labels: ${count(human_labels)} human, ${count(lexicon_labels)} lexicon`,
      );
    }),
  'Check the data': (value) =>
    tell(shapes.check, value, (check) => {
      if (check.status !== 'DONE') return looping('Athena is running the checks');
      const passed = check.checks.filter(({ offending }) => offending === 0).length;
      return `${passed} of ${check.checks.length} checks passed`;
    }),
  'Publish the data': (value) =>
    tell(shapes.publish, value, (publish) => {
      if (publish.status !== 'DONE') return looping('');
      const { days, rows, replaced } = publishedIn(publish);
      return `${counted(days, 'day')} with ${counted(rows, 'row')} published, ${replaced} of them replace an older snapshot`;
    }),
  'Train the model': (value) =>
    tell(shapes.train, value, (train) => {
      if (train.status === 'SKIPPED') return `skipped: ${train.reason}`;
      if (train.status !== 'DONE') return looping('the LSTM is training');
      return said(
        train.unreadable,
        `${counted(train.epochs, 'epoch')} in ${Math.round(train.seconds)} s${train.capacity === 'spot' ? ', on spot capacity' : ''}`,
      );
    }),
  'Evaluate the candidate': (value) =>
    tell(shapes.evaluation, value, (evaluation) => {
      if ('status' in evaluation) return looping('');
      const decision = evaluation.promote ? (evaluation.forced ? 'yes, forced' : 'yes') : 'no';
      const { candidate, lexicon, minusLexicon, heldOutRows, rollback } = evaluation;
      if (rollback) return `back to ${rollback.version}`;
      if (!candidate || !lexicon || !minusLexicon || heldOutRows === null)
        return `${decision}: ${evaluation.reasons.join('; ')}`;
      const against = [
        evaluation.champion && evaluation.minusChampion
          ? `champion ${percent(evaluation.champion.macro_recall)} (${difference(evaluation.minusChampion)})`
          : 'no champion yet',
        `lexicon ${percent(lexicon.macro_recall)} (${difference(minusLexicon)})`,
      ];
      const failed = evaluation.reasons.filter(isFailed).map((reason) => `; ${reason}`);
      return `${decision}: macro recall ${percent(candidate.macro_recall)} on ${count(heldOutRows)} rows against ${against.join(', ')}${failed.join('')}`;
    }),
  'Update the endpoint': (value) =>
    tell(shapes.update, value, (update) =>
      update.status === 'DONE'
        ? `${update.endpointName} serves ${update.configName}`
        : looping('the endpoint is switching models'),
    ),
  'Smoke-test the endpoint': (value) =>
    tell(shapes.smokeTest, value, (smokeTest) => {
      if ('status' in smokeTest) return looping('');
      const right = smokeTest.answers.filter(({ expected, label }) => expected === label).length;
      return `${right} of ${smokeTest.answers.length} obvious sentences classified correctly`;
    }),
  'Promote the model': (value) =>
    tell(shapes.promote, value, (promote) =>
      'status' in promote
        ? looping('')
        : `${promote.modelVersion} is in service${promote.previous === null ? '' : `, ${promote.previous} was before it`}`,
    ),
  'Refresh analytics': (value) =>
    tell(shapes.refresh, value, (refresh) => {
      if (refresh.status === 'DONE')
        return refresh.modelVersion === null
          ? 'no model in service yet'
          : `${counted(refresh.scored, 'tweet')} scored${refresh.job ? `, ${count(refresh.job.scored)} of them by the transform job ${refresh.job.name}` : ''}`;
      if (refresh.status !== 'RUNNING') return looping('');
      const { job, scored } = refresh;
      return looping(
        job?.startedAt === undefined
          ? `${counted(scored, 'tweet')} scored so far`
          : `${counted(scored, 'tweet')} scored so far; the transform job ${job.name} scores ${counted(job.days.length, 'more day')}`,
      );
    }),
  'Report the run': (value) => tell(RunReport, value, (report) => report.summary),
};

const Answer = z.looseObject({ status: z.string().optional() });

const tellStatus = (value: unknown): StageNews | undefined =>
  tell(Answer, value, ({ status }) =>
    status === 'RUNNING' || status === 'PENDING' ? looping('') : '',
  );

/** Reads a step's answer out of the output of its state; undefined when it is not what the contract says. */
export function newsOf(stage: StageName, stateOutput: unknown): StageNews | undefined {
  const output = Keyed.safeParse(stateOutput);
  const step = stepOfState(stage);
  if (!output.success || !step) return undefined;
  return (tellers[stage] ?? tellStatus)(answerOf(step, output.data));
}
