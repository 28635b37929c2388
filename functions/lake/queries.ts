import { readFileSync } from 'node:fs';
import { join } from 'node:path';
import { z } from 'zod';
import { Query } from '../../queries/query';

/** The query catalog, rendered when the app was synthesized, beside the function's own code. */
export function loadQueries(
  path = process.env['QUERIES_PATH'] ?? join(__dirname, 'queries.json'),
): Query[] {
  const content: unknown = JSON.parse(readFileSync(path, 'utf8'));
  return z.array(Query).min(1).parse(content);
}
