// Said by every AWS client on Node 20; package.json and the lockfile hold versions that run on it.
process.env.AWS_SDK_JS_NODE_VERSION_SUPPORT_WARNING_DISABLED = 'true';

/** Unit, contract and component tests; what runs the whole pipeline has a config of its own. */
module.exports = {
  testEnvironment: 'node',
  // jest's own choice on two cores is one; many of these tests wait for a process that they started.
  maxWorkers: 2,
  // A busy machine starts a process in seconds; what hangs is found all the same.
  testTimeout: 60_000,
  globalSetup: '<rootDir>/test/support/run-folder-setup.ts',
  globalTeardown: '<rootDir>/test/support/run-folder-teardown.ts',
  setupFilesAfterEnv: ['<rootDir>/test/support/checked-calls.ts'],
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['<rootDir>/test/drills/', '<rootDir>/test/end-to-end/'],
  modulePathIgnorePatterns: ['<rootDir>/cdk.out', '<rootDir>/.lake', '<rootDir>/dist'],
  // hyparquet is published as ES modules only, which jest cannot require.
  transformIgnorePatterns: ['/node_modules/(?!hyparquet)'],
  transform: {
    '^.+\\.(ts|js)$': [
      '@swc/jest',
      { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' } },
    ],
  },
};
