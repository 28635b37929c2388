import { join, resolve } from 'node:path';
import { Client } from '@smithy/core/client';
import { z } from 'zod';
import { Calls } from '../../local/gateway/calls/check';
import { Models } from '../../local/gateway/calls/models';
import { AwsError } from '../../local/gateway/protocol';

/**
 * Holds every command that a test's clients send against the model of its service, whoever answers it: what AWS would
 * refuse fails with AWS's name here too, also where a fake that takes everything stands for the service.
 */
const calls = new Calls(Models.of(join(resolve(__dirname, '../..'), '.venv/bin/python')));

const ServiceConfig = z.looseObject({ serviceId: z.string(), endpoint: z.unknown() });

/** Clients of tests that send what is wrong on purpose, to see it refused on the other side. */
const unchecked = new WeakSet<object>();

/** Lets a client send anything. */
export function withoutCheck<C extends object>(client: C): C {
  unchecked.add(client);
  return client;
}

const { send } = Client.prototype;
function checkedSend(this: object, ...sent: unknown[]): unknown {
  const config = 'config' in this ? ServiceConfig.safeParse(this.config) : undefined;
  const [command] = sent;
  if (config?.success && typeof command === 'object' && command && !unchecked.has(this)) {
    const operation = command.constructor.name.replace(/Command$/, '');
    const input = 'input' in command ? command.input : {};
    try {
      calls.checkInput(config.data.serviceId, operation, input);
    } catch (error) {
      if (!(error instanceof AwsError)) throw error;
      return Promise.reject(refusal(error));
    }
  }
  return Reflect.apply(send, this, sent);
}
Object.defineProperty(Client.prototype, 'send', { value: checkedSend, writable: true });

/** An error as a client of an SDK throws it. */
const refusal = ({ code, message, status }: AwsError): Error =>
  Object.assign(new Error(message), {
    name: code,
    $fault: 'client',
    $metadata: { httpStatusCode: status, attempts: 1 },
  });
