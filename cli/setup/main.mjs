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
  // session/visible.ts does the same and more for what comes after the set-up; it cannot be read before it.
  const text = error.oneLine ? error.message : (error.stack ?? String(error));
  console.error(
    text.replace(
      /[^\P{C}\n\t\u200c\u200d]/gu,
      (sign) => `\\u{${sign.codePointAt(0).toString(16)}}`,
    ),
  );
  process.exitCode = error.exitCode ?? 1;
}
process.exit();
