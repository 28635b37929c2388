import { readChampion } from '../functions/model/champion';
import { getText, keyOf, type LakeBucket } from '../functions/lake/objects';
import { readEvaluation } from '../functions/model/read-evaluation';
import { registeredModels, type RegisteredModel } from '../functions/model/registry';
import { lakeName } from '../infra/naming';
import type { Session } from '../session/session';
import { UserError } from '../session/user-error';
import type { Workspace } from '../session/workspace';
import { labels, reasonsIn, type Evaluation } from '../workflows/evaluation';
import { records, renderTable } from './athena';
import { firstRun } from './hints';
import { runNamedQuery } from './query';
import { executionName } from './run/follow';
import { sayJson, type Screen } from './screen';

const bucketOf = ({ people, outputs }: Session): LakeBucket => ({
  s3: people.analyst.s3,
  bucket: outputs.BucketName,
});

/** The lake's registry, under the person's own name. */
export const registryOf = ({ clients, environment }: Session) => ({
  sageMaker: clients.sageMaker,
  group: lakeName(environment),
});

const percent = (share: number | undefined): string | null =>
  share === undefined ? null : `${(share * 100).toFixed(1)}`;

/** `npm run lake -- models`: all registered models, newest decision first, and which one is in service. */
export async function printModels(
  session: Session,
  screen: Screen,
  asJson: boolean,
): Promise<void> {
  const champion = (await readChampion(bucketOf(session)))?.value ?? null;
  const models = await registeredModels(registryOf(session));
  const inService = champion?.modelVersion ?? null;
  if (asJson) {
    sayJson(
      screen,
      models.map(({ modelVersion, ...model }) => ({
        version: modelVersion,
        inService: modelVersion === inService,
        ...model,
      })),
    );
    return;
  }
  if (champion !== null && !models.some(({ modelVersion }) => modelVersion === inService))
    screen.say(
      `In service: ${inService}, promoted ${champion.promotedAt} by an older release; the next promotion registers it.`,
    );
  if (models.length === 0) {
    if (champion === null)
      screen.say(`No model yet. The first run trains one: ${firstRun(session.environment)}`);
    return;
  }
  screen.say(
    renderTable({
      columns: ['model', 'decision', 'macro recall', 'interval', 'decided (UTC)', 'by', 'commit'],
      rows: models.map((model) => [
        `${model.modelVersion}${model.modelVersion === inService ? ' ← in service' : ''}`,
        model.approval === 'Approved' ? 'promoted' : 'refused',
        percent(model.macroRecall),
        model.low === undefined ? null : `${percent(model.low)} to ${percent(model.high)}`,
        model.decidedAt.slice(0, 19).replace('T', ' '),
        executionName(model.execution),
        model.gitCommit?.slice(0, 8) ?? null,
      ]),
    }),
  );
  for (const { modelVersion, because } of models.filter(({ approval }) => approval === 'Rejected'))
    screen.say(`${modelVersion} was refused: ${failedIn(because)}`);
}

/** Of a decision's sentences, those that failed. */
const failedIn = (because: string): string =>
  reasonsIn(because)
    .filter((sentence) => !/^passed: /.test(sentence))
    .join('; ');

async function evaluationOf(session: Session, { evaluation: uri }: RegisteredModel) {
  const bucket = bucketOf(session);
  const found = await getText(bucket, keyOf(bucket, uri));
  if (found === null) throw new UserError(`There is no ${uri}: it has expired or was deleted.`);
  const { evaluation, problem } = readEvaluation(found.text, uri);
  if (evaluation === null) throw new UserError(`${uri} cannot be compared: ${problem}.`);
  return evaluation;
}

function measures(evaluation: Evaluation): [string, string][] {
  const { candidate, held_out } = evaluation;
  const { interval, macro_recall, accuracy, macro_f1, recall, calibration } = candidate;
  return [
    [
      'macro recall',
      `${percent(macro_recall)} (${percent(interval.low)} to ${percent(interval.high)})`,
    ],
    ['accuracy', `${percent(accuracy)}`],
    ['macro F1', `${percent(macro_f1)}`],
    ...labels.map((label): [string, string] => [`recall, ${label}`, `${percent(recall[label])}`]),
    ['calibration error', `${percent(calibration.expected_error)}`],
    ['held-out rows', `${held_out.rows} (${held_out.sha256.slice(0, 8)})`],
  ];
}

/**
 * `npm run lake -- models compare A B`: the figures of both evaluations, and the tweets of the lake that both scored and
 * read differently. Throws UserError for what is not registered.
 */
export async function compareModels(
  workspace: Workspace,
  session: Session,
  screen: Screen,
  versions: readonly string[],
  asJson: boolean,
): Promise<void> {
  const [first, second, ...more] = versions;
  if (first === undefined || second === undefined || more.length > 0)
    throw new UserError('Name two models: npm run lake -- models compare <A> <B>', 2);
  const models = await registeredModels(registryOf(session));
  const [one, other] = [first, second].map((version) => {
    const found = models.find(({ modelVersion }) => modelVersion === version);
    if (found) return found;
    throw new UserError(`${version} is not registered. npm run lake -- models lists the models.`);
  });
  if (!one || !other) return;
  const [a, b] = await Promise.all([evaluationOf(session, one), evaluationOf(session, other)]);
  const differing = records(
    await runNamedQuery(workspace, session, 'model_differences', {
      first_model: first,
      second_model: second,
    }),
  );
  const sameRows = a.held_out.sha256 === b.held_out.sha256;
  if (asJson) {
    sayJson(screen, {
      first: a.candidate,
      second: b.candidate,
      sameHeldOutRows: sameRows,
      differing,
    });
    return;
  }
  const [left, right] = [measures(a), measures(b)];
  screen.say(
    renderTable({
      columns: ['%', first, second],
      rows: left.map(([name, value], place) => [name, value, right[place]?.[1] ?? null]),
    }),
  );
  screen.say(
    sameRows
      ? 'Both were measured on the same held-out rows.'
      : 'They were measured on different held-out rows: labels came between them, so the figures do not show which is better.',
  );
  const [counts] = differing;
  if (counts === undefined) {
    screen.say('No tweet of the last days was scored by both: nothing to compare by text.');
    return;
  }
  screen.say();
  screen.say(
    `Of ${counts['both']} tweets that both scored, ${counts['differ']} are read differently. Those of which the second is surest:`,
  );
  screen.say(
    renderTable({
      columns: ['text', first, second],
      rows: differing.flatMap(({ text, first_label, second_label }) =>
        text === null || text === undefined
          ? []
          : [[text, first_label ?? null, second_label ?? null]],
      ),
    }),
  );
}
