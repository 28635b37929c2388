import tseslint from 'typescript-eslint';

export default tseslint.config(
  { ignores: ['node_modules', 'cdk.out', 'dist', 'coverage', '.venv', '.lake'] },
  {
    files: ['**/*.{ts,tsx}'],
    extends: [tseslint.configs.recommended],
    rules: {
      '@typescript-eslint/no-explicit-any': 'error',
      '@typescript-eslint/no-unused-vars': 'error',
      // zod parses at the boundaries; the only cast left is `as const`.
      '@typescript-eslint/consistent-type-assertions': ['error', { assertionStyle: 'never' }],
      eqeqeq: 'error',
      'no-console': ['error', { allow: ['error'] }],
      'no-restricted-imports': [
        'error',
        {
          paths: [
            {
              name: 'node:zlib',
              importNames: ['gunzipSync', 'inflateSync', 'unzipSync', 'brotliDecompressSync'],
              message: 'functions/lake/unpack.ts unpacks in bounded memory.',
            },
          ],
        },
      ],
    },
  },
  {
    files: ['functions/lake/unpack.ts', 'test/support/checked-calls.ts'],
    rules: { 'no-restricted-imports': 'off' },
  },
  {
    files: ['test/**/*.ts'],
    ignores: ['test/support/checked-calls.ts'],
    rules: {
      'no-restricted-imports': [
        'error',
        {
          name: 'aws-sdk-client-mock',
          message: 'mockedClient of test/support/checked-calls.ts checks what is sent, too.',
        },
      ],
    },
  },
  {
    // One door to the terminal: what passes it cannot act on it.
    files: ['cli/**/*.ts', 'erasure/**/*.ts', 'session/**/*.ts', 'embedded/cloud/**/*.ts'],
    ignores: ['cli/screen.ts'],
    rules: {
      'no-console': 'error',
      'no-restricted-properties': [
        'error',
        ...['stdout', 'stderr'].map((property) => ({
          object: 'process',
          property,
          message:
            'Print through a Screen (cli/screen.ts): texts of others must not act on the terminal.',
        })),
      ],
    },
  },
);
