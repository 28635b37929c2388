import { z } from 'zod';

const ALLOWED = /^(MODEL|APP)_[A-Z0-9_]{1,100}$/;

/**
 * Environment variables that a request may set for a training or a serving program. AWS accepts any name, because it
 * reaches only a container. Here the program is a process of the lake's owner: names such as NODE_OPTIONS,
 * LD_PRELOAD, PATH, PYTHONPATH or ML_ROOT would let anyone who may create a model run other code than the image's.
 */
export const Environment = z
  .record(z.string(), z.string().max(1024))
  .refine((variables) => Object.keys(variables).every((name) => ALLOWED.test(name)), {
    error: ({ input }) =>
      `${Object.keys(input ?? {})
        .filter((name) => !ALLOWED.test(name))
        .join(
          ', ',
        )}: the embedded cloud sets only variables named MODEL_… or APP_…, for any other may change which code the process runs`,
  });
