import { lastMeaningfulLine } from '../../../embedded/gateway/logs';

test.each([
  [
    'the exception of the last traceback, not the shutdown after it',
    'Traceback (most recent call last):\n  File "a"\nKeyError: 1\n\nTraceback (most recent call last):\n  File "b"\n    x\nmodule.DayError: no rows\ndetails\nINFO Shutdown hook\n',
    'module.DayError: no rows',
  ],
  [
    'the error above a Node stack, not the version below it',
    '/a.js:3\nthrow\n^\n\nTypeError: no model\n    at f (/a.js:3:1)\n\nNode.js v20.20.2\n',
    'TypeError: no model',
  ],
  ['the last line that is not blank', 'one\n  two  \n\n', 'two'],
  ['that there was nothing', '\n', 'the program wrote no output'],
])('a failed program is explained with %s', (_what, log, line) => {
  expect(lastMeaningfulLine(log)).toBe(line);
});
