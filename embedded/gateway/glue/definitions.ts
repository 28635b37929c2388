import { z } from 'zod';
import { launcherHeaders } from '../launcher';
import { ACCOUNT, REGION } from '../options';
import type { LauncherAddress } from '../options';
import { AwsError, operation } from '../protocol';
import type { Caller, Operation } from '../protocol';

/** The fields of a crawler that a crawl needs. Clients receive the complete definition from the catalog. */
const CrawlerDefinition = z.looseObject({
  Name: z.string(),
  Role: z.string(),
  DatabaseName: z.string().optional(),
  Targets: z.object({
    CatalogTargets: z
      .array(z.object({ DatabaseName: z.string(), Tables: z.array(z.string()) }))
      .optional(),
    S3Targets: z.array(z.object({ Path: z.string() })).optional(),
  }),
  SchemaChangePolicy: z.object({ DeleteBehavior: z.string().optional() }).optional(),
});
export type CrawlerDefinition = z.infer<typeof CrawlerDefinition>;

const JobDefinition = z.object({
  Name: z.string(),
  Role: z.string(),
  Command: z.object({ Name: z.string().optional(), ScriptLocation: z.string() }),
  DefaultArguments: z.record(z.string(), z.string()).optional(),
  NonOverridableArguments: z.record(z.string(), z.string()).optional(),
  ExecutionProperty: z.object({ MaxConcurrentRuns: z.number().optional() }).optional(),
  /** Minutes. */
  Timeout: z.number().optional(),
  GlueVersion: z.string().optional(),
  WorkerType: z.string().optional(),
  NumberOfWorkers: z.number().optional(),
});
export type JobDefinition = z.infer<typeof JobDefinition>;

const Failure = z.object({ __type: z.string(), message: z.string().optional() });

/** An operation of Glue, which parses its input before it acts. */
export const glueOperation = <S extends z.ZodType>(
  schema: S,
  act: (input: z.infer<S>, caller: Caller) => Promise<object>,
): Operation => operation('InvalidInputException', schema, act);

/** Reads the definitions of crawlers and jobs that CloudFormation created. Calls the launcher as the account's root. */
export class Definitions {
  constructor(private readonly launcher: LauncherAddress) {}

  /** Throws EntityNotFoundException when there is no such crawler. */
  async crawler(name: string): Promise<CrawlerDefinition> {
    const answer = await this.get('GetCrawler', { Name: name }, `Crawler ${name} not found.`);
    return z.object({ Crawler: CrawlerDefinition }).parse(answer).Crawler;
  }

  async crawlers(): Promise<CrawlerDefinition[]> {
    const answer = await this.get('GetCrawlers', {}, 'No crawlers found.');
    return z.object({ Crawlers: z.array(CrawlerDefinition) }).parse(answer).Crawlers;
  }

  /** Throws EntityNotFoundException when there is no such job. */
  async job(name: string): Promise<JobDefinition> {
    const answer = await this.get(
      'GetJob',
      { JobName: name },
      `Failed to find job definition for job ${name}.`,
    );
    return z.object({ Job: JobDefinition }).parse(answer).Job;
  }

  /** Returns the response's unchanged JSON: the SDK's client would convert times to dates and drop unknown fields. */
  private async get(operation: string, input: object, notFound: string): Promise<unknown> {
    const date = new Date().toISOString().slice(0, 10).replaceAll('-', '');
    const response = await fetch(this.launcher.url, {
      method: 'POST',
      headers: {
        ...launcherHeaders(this.launcher.token, ACCOUNT),
        'content-type': 'application/x-amz-json-1.1',
        'x-amz-target': `AWSGlue.${operation}`,
        // The launcher reads only the key. Signatures are checked by the gateway.
        authorization: `AWS4-HMAC-SHA256 Credential=${ACCOUNT}/${date}/${REGION}/glue/aws4_request, SignedHeaders=host, Signature=0`,
      },
      body: JSON.stringify(input),
    });
    const answer: unknown = await response.json();
    if (response.ok) return answer;
    const failure = Failure.parse(answer);
    if (failure.__type === 'EntityNotFoundException')
      throw new AwsError('EntityNotFoundException', notFound);
    throw new AwsError(failure.__type, failure.message ?? operation, response.status);
  }
}
