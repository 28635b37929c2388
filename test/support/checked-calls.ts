import { join, resolve } from 'node:path';
import { Client } from '@smithy/core/client';
import { mockClient } from 'aws-sdk-client-mock';
import { z } from 'zod';
import { Calls } from '../../embedded/gateway/calls/check';
import { Models } from '../../embedded/gateway/calls/models';
import { AwsError } from '../../embedded/gateway/protocol';

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

const isMethod = (value: unknown): value is (this: object, ...sent: unknown[]) => unknown =>
  typeof value === 'function';

/** Has what a class's clients send checked before its own `send` sees it. */
function checkSent(prototype: object): void {
  const found: unknown = Reflect.get(prototype, 'send');
  if (!isMethod(found)) throw new Error('not the prototype of a client: it has no send');
  const send = found;
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
  Object.defineProperty(prototype, 'send', {
    value: checkedSend,
    writable: true,
    configurable: true,
  });
}
checkSent(Client.prototype);

/** `mockClient` of aws-sdk-client-mock, whose stub would stand before the check: the check comes first here, too. */
export const mockedClient: typeof mockClient = (client) => {
  const mock = mockClient(client);
  const target = 'prototype' in client ? client.prototype : client;
  checkSent(target);
  // A reset puts a new stub in the place of the check.
  const reset = mock.reset.bind(mock);
  mock.reset = () => {
    reset();
    checkSent(target);
    return mock;
  };
  return mock;
};

/** An error as a client of an SDK throws it. */
const refusal = ({ code, message, status }: AwsError): Error =>
  Object.assign(new Error(message), {
    name: code,
    $fault: 'client',
    $metadata: { httpStatusCode: status, attempts: 1 },
  });
