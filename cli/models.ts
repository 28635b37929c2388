import { readChampion } from '../functions/model/champion';
import type { LakeBucket } from '../functions/lake/objects';
import type { ComparedModel, Comparison } from '../console/contract';
import { describeDifference } from '../console/difference';
import { registeredModels } from '../functions/model/registry';
import { lakeName } from '../infra/naming';
import type { Session } from '../session/session';
import { labels, reasonsIn } from '../workflows/evaluation';
import { renderTable } from './athena';
import { firstRun } from './hints';
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

function measures(model: ComparedModel): [string, string][] {
  const { macroRecall, interval, accuracy, macroF1, recall, calibrationError, heldOut } = model;
  return [
    [
      'macro recall',
      `${percent(macroRecall)} (${percent(interval.low)} to ${percent(interval.high)})`,
    ],
    ['accuracy', `${percent(accuracy)}`],
    ['macro F1', `${percent(macroF1)}`],
    ...labels.map((label): [string, string] => [`recall, ${label}`, `${percent(recall[label])}`]),
    ['calibration error', `${percent(calibrationError)}`],
    ['held-out rows', `${heldOut.rows} (${heldOut.sha256.slice(0, 8)})`],
  ];
}

/** `npm run lake -- models compare A B`: the comparison as tables. */
export function printComparison(screen: Screen, comparison: Comparison, asJson: boolean): void {
  if (asJson) {
    sayJson(screen, comparison);
    return;
  }
  const { first, second, sameHeldOutRows, tweets } = comparison;
  const [left, right] = [measures(first), measures(second)];
  screen.say(
    renderTable({
      columns: ['%', first.version, second.version],
      rows: left.map(([name, value], place) => [name, value, right[place]?.[1] ?? null]),
    }),
  );
  screen.say(describeDifference(comparison));
  screen.say(
    sameHeldOutRows
      ? 'Both were measured on the same held-out rows.'
      : 'They were measured on different held-out rows: labels came between them, so the figures do not show which is better.',
  );
  if (tweets === null) {
    screen.say('No tweet of the last days was scored by both: nothing to compare by text.');
    return;
  }
  screen.say();
  screen.say(
    `Of ${tweets.both} tweets that both scored, ${tweets.differ} are read differently. Those of which the second is surest:`,
  );
  screen.say(
    renderTable({
      columns: ['text', first.version, second.version],
      rows: tweets.shown.map(({ text, first: one, second: other }) => [text, one, other]),
    }),
  );
}
