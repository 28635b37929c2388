import { predict as predictAt, type Answer, type Prediction } from '../functions/model/endpoint';
import { systemClock } from '../functions/shared/clock';
import { StepError } from '../workflows/errors';
import { labels } from '../workflows/evaluation';
import type { Clients } from '../session/clients';
import type { Session } from '../session/session';
import { firstRun } from './hints';
import { sayJson, type Screen } from './screen';
import { UserError } from '../session/user-error';

/** The part of a session that a prediction needs. */
type Served = Pick<Session, 'environment'> & {
  clients: Pick<Clients, 'sageMakerRuntime'>;
  outputs: Pick<Session['outputs'], 'EndpointName'>;
};

/**
 * Predicts texts with the model in service. Throws UserError when no model is in service yet or its answer breaks the
 * contract, and the service's own error otherwise.
 */
export async function predict(
  { clients, outputs, environment }: Served,
  texts: string[],
): Promise<Answer> {
  const runtime = clients.sageMakerRuntime;
  try {
    return await predictAt({ runtime, name: outputs.EndpointName, clock: systemClock }, texts);
  } catch (error) {
    if (!(error instanceof StepError)) throw error;
    const { cause } = error;
    if (cause instanceof Error && /not found|could not find/i.test(cause.message)) {
      throw new UserError(
        `No model is in service yet. The first nightly run trains one: ${firstRun(environment)}`,
      );
    }
    // The service's own error: cli/refused.ts knows by its name what to do.
    throw cause instanceof Error ? cause : new UserError(error.message);
  }
}

/** `positive  (negative 3 %, neutral 11 %, positive 86 %)` */
export function describePrediction({ label, probabilities }: Prediction): string {
  const shares = labels.map((name) => `${name} ${Math.round(probabilities[name] * 100)} %`);
  return `${label}  (${shares.join(', ')})`;
}

/** As JSON: `{"model_version", "text", "label", "probabilities"}`. */
export async function printPrediction(
  session: Session,
  screen: Screen,
  text: string,
  asJson: boolean,
): Promise<void> {
  const { model_version, predictions } = await predict(session, [text]);
  for (const { label, probabilities } of predictions) {
    if (asJson) sayJson(screen, { model_version, text, label, probabilities });
    else screen.say(`${describePrediction({ label, probabilities })}\nmodel ${model_version}`);
  }
}
