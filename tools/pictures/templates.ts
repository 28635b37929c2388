import { mkdtempSync, readFileSync, readdirSync, rmSync } from 'node:fs';
import { tmpdir } from 'node:os';
import { join } from 'node:path';
import { App } from 'aws-cdk-lib';
import { z } from 'zod';
import cdkJson from '../../cdk.json';
import { sentimentLake } from '../../infra/app';

const Template = z.looseObject({
  Resources: z.record(
    z.string(),
    z.looseObject({ Type: z.string(), Properties: z.looseObject({}).default({}) }),
  ),
});
export type Resource = z.infer<typeof Template>['Resources'][string];

/** The resources of these templates. */
export const resourcesIn = (files: readonly string[]): Resource[] =>
  files.flatMap((file) =>
    Object.values(Template.parse(JSON.parse(readFileSync(file, 'utf8'))).Resources),
  );

/** Every resource of every stack of `prod`, which has all features on. Takes half a minute, because it bundles the functions. */
export function resources(): Resource[] {
  const outdir = mkdtempSync(join(tmpdir(), 'sentiment-lake-pictures-'));
  try {
    const app = new App({ outdir, context: { ...cdkJson.context, env: 'prod' } });
    sentimentLake(app);
    app.synth();
    return resourcesIn(
      readdirSync(outdir)
        .filter((name) => name.endsWith('.template.json'))
        .map((name) => join(outdir, name)),
    );
  } finally {
    rmSync(outdir, { recursive: true, force: true });
  }
}
