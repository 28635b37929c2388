import { Days } from './lake';
import { Answer } from './result';
import { Opinions } from './opinions';

/** What a file about a run shows of the lake at its time. A page with a server has it as it is now, under Lake. */
export const LakeThen = () => (
  <>
    <Days />
    <Opinions />
    <Answer name="top_contributors" title="Who wrote most" />
    <p>
      <a href="#/lake">All of the lake, as it was when this file was written</a>
    </p>
  </>
);
