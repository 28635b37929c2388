/** Unit, contract and component tests; the drills, which run the whole pipeline, have a config of their own. */
module.exports = {
  testEnvironment: 'node',
  roots: ['<rootDir>/test'],
  testMatch: ['**/*.test.ts'],
  testPathIgnorePatterns: ['<rootDir>/test/drills/'],
  modulePathIgnorePatterns: ['<rootDir>/cdk.out', '<rootDir>/.lake', '<rootDir>/dist'],
  transform: { '^.+\\.ts$': ['@swc/jest', { jsc: { parser: { syntax: 'typescript' }, target: 'es2023' } }] },
};
