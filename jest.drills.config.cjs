const base = require('./jest.config.cjs');

/** The drills boot the embedded cloud: minutes each, one at a time. */
module.exports = {
  ...base,
  testMatch: ['<rootDir>/test/drills/**/*.test.ts'],
  testPathIgnorePatterns: [],
  testTimeout: 15 * 60_000,
  maxWorkers: 1,
};
