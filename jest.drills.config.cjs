const base = require('./jest.config.cjs');

/** The end-to-end test and the drills boot embedded clouds of their own: minutes each, two at a time. */
module.exports = {
  ...base,
  testMatch: ['<rootDir>/test/{end-to-end,drills}/**/*.test.ts'],
  testPathIgnorePatterns: [],
  testTimeout: 15 * 60_000,
  // Something that a drill leaves open keeps the process alive after the last test; not found yet which.
  forceExit: true,
  // Each waits for its cloud half of its time; three would starve each other on two cores.
  maxWorkers: 2,
};
