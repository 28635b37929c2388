import { jsonOf } from '../../functions/lake/unpack';
import type { RunEvent } from './events';
import { stepOfState } from '../../workflows/steps';
import { newsOf } from './stages';
import type { StageName } from './stages';

/** One pass through a stage: a loop of looks at a job is one; a redrive adds another. */
export interface Stage {
  name: StageName;
  startedAt: number;
  endedAt: number | null;
  status: 'running' | 'done' | 'failed';
  text: string;
}

export interface Failure {
  /** State that was running, if any was. */
  state: string | null;
  error: string;
  cause: string;
}

/** What to print: a stage began, has news, or ended; a redrive began. */
export type Change = { kind: 'started' | 'news' | 'ended'; stage: Stage } | { kind: 'redriven' };

/** Builds the story of an execution from its events, whoever started it and however it went. */
export class Timeline {
  readonly stages: Stage[] = [];
  failure: Failure | null = null;

  /** Takes events in order; answers what changed. */
  add(events: readonly RunEvent[]): Change[] {
    return events.flatMap((event) => this.take(event));
  }

  private take(event: RunEvent): Change[] {
    if (event.type === 'ExecutionRedriven') {
      this.failure = null;
      return [{ kind: 'redriven' }];
    }
    if (/^Execution(Failed|Aborted|TimedOut)$/.test(event.type)) return this.fail(event);
    const name = stepOfState(event.state)?.state;
    if (name === undefined) return [];
    if (event.type.endsWith('StateEntered')) return this.enter(name, event.at);
    if (event.type.endsWith('StateExited')) return this.leave(name, event);
    return [];
  }

  private enter(name: StageName, at: number): Change[] {
    const current = this.current();
    if (current?.name === name) return [];
    const stage: Stage = { name, startedAt: at, endedAt: null, status: 'running', text: '' };
    this.stages.push(stage);
    return [{ kind: 'started', stage }];
  }

  private leave(name: StageName, event: RunEvent): Change[] {
    const stage = this.current();
    if (!stage || stage.name !== name) return [];
    const news = newsOf(name, jsonOf(event.output));
    if (news && !news.done) {
      if (news.text === stage.text) return [];
      stage.text = news.text;
      return [{ kind: 'news', stage }];
    }
    stage.text = news?.text ?? '';
    stage.status = 'done';
    stage.endedAt = event.at;
    return [{ kind: 'ended', stage }];
  }

  private fail(event: RunEvent): Change[] {
    const stage = this.current();
    this.failure = {
      state: stage?.name ?? null,
      error: event.error ?? event.type,
      cause: event.cause ?? '',
    };
    if (!stage) return [];
    stage.status = 'failed';
    stage.endedAt = event.at;
    stage.text = this.failure.error;
    return [{ kind: 'ended', stage }];
  }

  private current(): Stage | undefined {
    const last = this.stages.at(-1);
    return last?.status === 'running' ? last : undefined;
  }
}
