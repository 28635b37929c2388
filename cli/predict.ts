import { InvokeEndpointCommand } from '@aws-sdk/client-sagemaker-runtime';
import { z } from 'zod';
import { Label } from '../workflows/evaluation';
import type { Session } from '../session/session';
import { firstRun } from './hints';
import { sayJson, type Screen } from './screen';
import { UserError } from '../session/user-error';

const Share = z.number().min(0).max(1);
const Answer = z.object({
  model_version: z.string(),
  predictions: z.array(
    z.object({
      label: Label,
      probabilities: z.object({ negative: Share, neutral: Share, positive: Share }),
    }),
  ),
});
export type Prediction = z.infer<typeof Answer>['predictions'][number];

/** Calls the endpoint in service. Throws UserError when no model is in service yet. */
export async function predict(
  { clients, outputs, environment }: Session,
  texts: string[],
): Promise<z.infer<typeof Answer>> {
  try {
    const { Body } = await clients.sageMakerRuntime.send(
      new InvokeEndpointCommand({
        EndpointName: outputs.EndpointName,
        ContentType: 'application/json',
        Accept: 'application/json',
        Body: JSON.stringify({ texts }),
      }),
    );
    return Answer.parse(JSON.parse(Buffer.from(Body ?? []).toString()));
  } catch (error) {
    if (error instanceof Error && /not found|could not find/i.test(error.message)) {
      throw new UserError(
        `No model is in service yet. The first nightly run trains one: ${firstRun(environment)}`,
      );
    }
    throw error;
  }
}

const order = ['negative', 'neutral', 'positive'] as const;

/** `positive  (negative 3 %, neutral 11 %, positive 86 %)` */
export function describePrediction({ label, probabilities }: Prediction): string {
  const shares = order.map((name) => `${name} ${Math.round(probabilities[name] * 100)} %`);
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
