import {
  GetCrawlerCommand,
  GetJobRunCommand,
  GetJobRunsCommand,
  StartCrawlerCommand,
  StartJobRunCommand,
} from '@aws-sdk/client-glue';
import type { Catalog } from '../../../functions/lake/catalog';

type Answer = (input: object) => object;

/**
 * Glue's jobs and crawlers answer as told; the catalog stays the real one. The launcher alone runs neither:
 * that is the gateway's, which has tests of its own.
 */
export class JobRuns {
  /** Arguments of each run that was started. */
  readonly started: Record<string, string>[] = [];
  crawlsStarted = 0;
  start: Answer = () => ({ JobRunId: 'jr_new' });
  runs: object[] = [];
  run: object = {};
  startCrawler: Answer = () => ({});
  crawler: object = {};

  constructor({ glue }: Catalog) {
    glue.middlewareStack.add(
      (next, context) => async (args) => {
        const answer = this.answerOf(String(context.commandName), args.input);
        return answer === undefined
          ? next(args)
          : { output: { ...answer, $metadata: {} }, response: {} };
      },
      { step: 'initialize' },
    );
  }

  private answerOf(command: string, input: object): object | undefined {
    switch (command) {
      case GetJobRunsCommand.name:
        return { JobRuns: this.runs };
      case GetJobRunCommand.name:
        return { JobRun: this.run };
      case StartJobRunCommand.name: {
        const answer = this.start(input);
        this.started.push(
          'Arguments' in input && typeof input.Arguments === 'object' ? { ...input.Arguments } : {},
        );
        return answer;
      }
      case StartCrawlerCommand.name: {
        const answer = this.startCrawler(input);
        this.crawlsStarted += 1;
        return answer;
      }
      case GetCrawlerCommand.name:
        return { Crawler: this.crawler };
      default:
        return undefined;
    }
  }
}

/** An error as an AWS client throws it. */
export const awsError = (name: string, message = name): Error =>
  Object.assign(new Error(message), { name });
