// The one entry of every npm script. It needs nothing but Node; the rest is imported once Node is known
// to be new enough to read it.
import { checkNode } from './node-version.mjs';

// Of what this process and its children write, others on this machine may read nothing: a lake holds a
// bearer token, keys and people's words.
process.umask(0o077);
checkNode();
const { main } = await import('./set-up.mjs');
try {
  process.exitCode = await main(process.argv.slice(2));
} catch (error) {
  if (error.oneLine) console.error(error.message);
  else console.error(error);
  process.exitCode = error.exitCode ?? 1;
}
process.exit();
