import { startGateway } from '../../../embedded/gateway/server';

/** Runs a gateway as a process that a test can kill; its options are the argument, as JSON. */
startGateway(JSON.parse(process.argv[2] ?? '')).then(
  () => process.stdout.write('listening\n'),
  (error: unknown) => {
    console.error(error);
    process.exitCode = 1;
  },
);
