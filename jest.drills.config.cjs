const base = require('./jest.config.cjs');

/** The end-to-end test and the drills boot the embedded cloud: minutes each, one at a time. */
module.exports = {
  ...base,
  testMatch: ['<rootDir>/test/{end-to-end,drills}/**/*.test.ts'],
  testPathIgnorePatterns: [],
  testTimeout: 15 * 60_000,
  // Something that a drill leaves open keeps the process alive after the last test; not found yet which.
  forceExit: true,
  maxWorkers: 1,
};
