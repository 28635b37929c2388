const base = require('./jest.config.cjs');

/** The end-to-end test and the drills: each boots an embedded cloud of its own, for minutes. */
module.exports = {
  ...base,
  testMatch: ['<rootDir>/test/{end-to-end,drills}/**/*.test.ts'],
  testPathIgnorePatterns: [],
  testTimeout: 15 * 60_000,
  maxWorkers: 2,
};
