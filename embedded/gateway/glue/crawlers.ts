import { randomUUID } from 'node:crypto';
import { z } from 'zod';
import { lenient } from '../../../workflows/durable';
import type { Context } from '../context';
import { INTERRUPTED } from '../context';
import type { Caller } from '../protocol';
import { ACCOUNT, REGION } from '../options';
import { AwsError, messageOf, page, Paging, seconds } from '../protocol';
import type { Operation } from '../protocol';
import { roleArn } from '../roles';
import type { StateFile } from '../state';
import { glueOperation } from './definitions';
import type { CrawlerDefinition, Definitions } from './definitions';
import { syncPartitions } from './partitions';

/** Times are in milliseconds since 1970. */
const Crawl = lenient(
  z.object({
    id: z.string(),
    crawler: z.string(),
    state: z.enum(['RUNNING', 'STOPPING', 'COMPLETED', 'FAILED', 'STOPPED']),
    startedAt: z.number(),
    endedAt: z.number().optional(),
    summary: z.string().optional(),
    error: z.string().optional(),
  }),
);
type Crawl = z.infer<typeof Crawl>;

const ByName = z.looseObject({ Name: z.string().min(1) });
const LAST_STATUS = { COMPLETED: 'SUCCEEDED', FAILED: 'FAILED', STOPPED: 'CANCELLED' } as const;
const LOG_GROUP = '/aws-glue/crawlers';

/** Glue crawlers: list the objects of their targets and register partitions. */
export class Crawlers {
  private readonly state: StateFile<z.ZodArray<typeof Crawl>>;
  private readonly work = new Set<Promise<void>>();

  constructor(
    private readonly context: Context,
    private readonly definitions: Definitions,
  ) {
    this.state = context.state('crawls', z.array(Crawl), []);
    const interrupted = this.state.value.filter(isActive);
    for (const crawl of interrupted)
      Object.assign(crawl, { state: 'FAILED', endedAt: Date.now(), error: INTERRUPTED });
    if (interrupted.length > 0) this.state.save();
  }

  readonly operations: Record<string, Operation> = {
    StartCrawler: glueOperation(ByName, async ({ Name }, caller) => {
      const definition = await this.allowed(caller, 'glue:StartCrawler', Name);
      if (this.active(Name))
        throw new AwsError(
          'CrawlerRunningException',
          `Crawler with name ${Name} has already started`,
        );
      this.start(definition);
      return {};
    }),
    StopCrawler: glueOperation(ByName, async ({ Name }, caller) => {
      await this.allowed(caller, 'glue:StopCrawler', Name);
      const crawl = this.active(Name);
      if (!crawl)
        throw new AwsError('CrawlerNotRunningException', `Crawler with name ${Name} isn't running`);
      if (crawl.state === 'STOPPING')
        throw new AwsError('CrawlerStoppingException', `Crawler with name ${Name} is stopping`);
      crawl.state = 'STOPPING';
      this.state.save();
      return {};
    }),
    GetCrawler: glueOperation(ByName, async ({ Name }, caller) => {
      return { Crawler: this.describe(await this.allowed(caller, 'glue:GetCrawler', Name)) };
    }),
    GetCrawlers: glueOperation(z.looseObject(Paging), async (input, caller) => {
      await this.context.iam.authorize(caller, 'glue:GetCrawlers', arn('*'));
      const all = await this.definitions.crawlers();
      const { items, ...next } = page(all, input, 'InvalidInputException');
      return { Crawlers: items.map((definition) => this.describe(definition)), ...next };
    }),
    ListCrawlers: glueOperation(z.looseObject(Paging), async (input, caller) => {
      await this.context.iam.authorize(caller, 'glue:ListCrawlers', arn('*'));
      const all = await this.definitions.crawlers();
      const { items, ...next } = page(all, input, 'InvalidInputException');
      return { CrawlerNames: items.map(({ Name }) => Name), ...next };
    }),
    ListCrawls: glueOperation(
      z.looseObject({ CrawlerName: z.string().min(1), ...Paging }),
      async (input, caller) => {
        await this.allowed(caller, 'glue:ListCrawls', input.CrawlerName);
        const all = this.crawlsOf(input.CrawlerName);
        const { items, ...next } = page(all, input, 'InvalidInputException');
        return { Crawls: items.map(describeCrawl), ...next };
      },
    ),
  };

  /** Waits until no crawl writes to the catalog. */
  async close(): Promise<void> {
    await Promise.all(this.work);
  }

  private async allowed(caller: Caller, action: string, name: string): Promise<CrawlerDefinition> {
    await this.context.iam.authorize(caller, action, arn(name));
    return this.definitions.crawler(name);
  }

  private start(definition: CrawlerDefinition): void {
    const crawl: Crawl = {
      id: randomUUID(),
      crawler: definition.Name,
      state: 'RUNNING',
      startedAt: Date.now(),
    };
    this.state.value.unshift(crawl);
    this.state.save();
    const work = this.crawl(definition, crawl).finally(() => this.work.delete(work));
    this.work.add(work);
  }

  private async crawl(definition: CrawlerDefinition, crawl: Crawl): Promise<void> {
    let end: Partial<Crawl>;
    try {
      end = { state: 'COMPLETED', summary: await this.visitTargets(definition, crawl) };
    } catch (error) {
      end = { state: 'FAILED', error: messageOf(error).slice(0, 2048) };
    }
    if (crawl.state === 'STOPPING') end = { state: 'STOPPED' };
    Object.assign(crawl, end, { endedAt: Date.now() });
    this.state.save();
  }

  private async visitTargets(definition: CrawlerDefinition, crawl: Crawl): Promise<string> {
    const { CatalogTargets = [], S3Targets = [] } = definition.Targets;
    if (S3Targets.length > 0) {
      throw new Error(
        'The embedded cloud crawls only catalog targets. Declare the table, and name it in the CatalogTargets of the crawler.',
      );
    }
    const role = this.context.role({
      roleArn: roleArn(definition.Role),
      service: 'glue.amazonaws.com',
      sessionName: 'AWS-Crawler',
      sourceArn: arn(definition.Name),
    });
    const glue = role.glue();
    const s3 = role.s3();
    const deleteMissing = definition.SchemaChangePolicy?.DeleteBehavior === 'DELETE_FROM_DATABASE';
    let added = 0;
    let deleted = 0;
    try {
      for (const { DatabaseName, Tables } of CatalogTargets) {
        for (const table of Tables) {
          if (crawl.state === 'STOPPING') break;
          const changes = await syncPartitions(glue, s3, DatabaseName, table, deleteMissing);
          added += changes.added;
          deleted += changes.deleted;
        }
      }
    } finally {
      glue.destroy();
      s3.destroy();
    }
    return JSON.stringify({ PARTITION: JSON.stringify({ ADD: added, DELETE: deleted }) });
  }

  private crawlsOf(crawler: string): Crawl[] {
    return this.state.value.filter((crawl) => crawl.crawler === crawler);
  }

  private active(crawler: string): Crawl | undefined {
    return this.crawlsOf(crawler).find(isActive);
  }

  private describe(definition: CrawlerDefinition): object {
    const active = this.active(definition.Name);
    const last = this.crawlsOf(definition.Name).find((crawl) => !isActive(crawl));
    return {
      ...definition,
      State: active?.state ?? 'READY',
      CrawlElapsedTime: active ? Date.now() - active.startedAt : 0,
      LastCrawl: last && describeLast(last),
    };
  }
}

const arn = (name: string) => `arn:aws:glue:${REGION}:${ACCOUNT}:crawler/${name}`;

const isActive = (crawl: Crawl) => crawl.state === 'RUNNING' || crawl.state === 'STOPPING';

function describeLast(crawl: Crawl): object {
  return {
    Status:
      crawl.state === 'RUNNING' || crawl.state === 'STOPPING'
        ? undefined
        : LAST_STATUS[crawl.state],
    ErrorMessage: crawl.error,
    LogGroup: LOG_GROUP,
    LogStream: crawl.crawler,
    MessagePrefix: crawl.id,
    StartTime: seconds(crawl.startedAt),
  };
}

function describeCrawl(crawl: Crawl): object {
  return {
    CrawlId: crawl.id,
    State: crawl.state === 'STOPPING' ? 'RUNNING' : crawl.state,
    StartTime: seconds(crawl.startedAt),
    EndTime: crawl.endedAt && seconds(crawl.endedAt),
    Summary: crawl.summary,
    ErrorMessage: crawl.error,
    LogGroup: LOG_GROUP,
    LogStream: crawl.crawler,
    MessagePrefix: crawl.id,
  };
}
