import type { Clock } from '../../../functions/shared/clock';

/** A clock that stands still until something sleeps. */
export class TestClock implements Clock {
  readonly pauses: number[] = [];
  private instant: number;

  constructor(start = '2026-11-24T02:20:00.000Z') {
    this.instant = Date.parse(start);
  }

  now(): Date {
    return new Date(this.instant);
  }

  async sleep(milliseconds: number): Promise<void> {
    this.pauses.push(milliseconds);
    this.instant += milliseconds;
  }

  advance(milliseconds: number): void {
    this.instant += milliseconds;
  }
}
