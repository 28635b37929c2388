import type { Fault, FaultNamed, FaultScript } from './script';

/** The properties of a search that the script's rules test. */
export interface Met {
  /** Number of the search since the server's start, from 1. */
  request: number;
  page: number;
  query: string;
}

/** The faults that apply to one search. */
export class Due {
  constructor(private readonly faults: readonly Fault[]) {}

  find<Kind extends Fault['fault']>(kind: Kind): FaultNamed<Kind> | undefined {
    return this.all(kind)[0];
  }

  all<Kind extends Fault['fault']>(kind: Kind): FaultNamed<Kind>[] {
    return this.faults.filter((fault): fault is FaultNamed<Kind> => fault.fault === kind);
  }

  has = (kind: Fault['fault']): boolean => this.find(kind) !== undefined;
}

/** Finds the faults that are due for each request. Only rules and counts decide, so scripts are deterministic. */
export class FaultPlayer {
  private readonly played: number[];

  constructor(private readonly script: FaultScript) {
    this.played = script.faults.map(() => 0);
  }

  due(met: Met): Due {
    return new Due(
      this.script.faults.filter((fault, index) => {
        const before = this.played[index] ?? 0;
        const isDue = meets(fault, met) && (fault.times === 'always' || before < fault.times);
        if (isDue) this.played[index] = before + 1;
        return isDue;
      }),
    );
  }
}

const names = (wanted: number | readonly number[] | undefined, value: number): boolean =>
  wanted === undefined || [wanted].flat().includes(value);

const meets = (fault: Fault, { request, page, query }: Met): boolean =>
  names(fault.request, request) &&
  names(fault.page, page) &&
  (fault.query === undefined || query.includes(fault.query)) &&
  (fault.fault !== 'token-refused' || page > 1);
