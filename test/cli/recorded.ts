import { z } from 'zod';
import { RunEvent } from '../../cli/run/events';
import { Timeline } from '../../cli/run/timeline';
import recorded from '../fixtures/nightly-events.json';

/** The first night of a lake, as Step Functions recorded it; most passes of its loops are left out. */
export const nightEvents: RunEvent[] = z.array(RunEvent).parse(recorded);

export function timelineOf(events: RunEvent[]): Timeline {
  const timeline = new Timeline();
  timeline.add(events);
  return timeline;
}
