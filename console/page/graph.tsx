import dagre from '@dagrejs/dagre';
import { useEffect, useMemo, useRef } from 'preact/hooks';
import type { Machine, StateVisit } from '../contract';

const HEIGHT = 34;
const widthOf = (name: string): number => 24 + name.length * 7.2;

/** How a state stands in a run. */
export type Standing = 'not reached' | 'running' | 'done' | 'failed';

/** The standing of each state that the run has entered, by its last pass. */
export function standings(
  visits: readonly StateVisit[],
  isRunning: boolean,
): Map<string, Standing> {
  const found = new Map<string, Standing>();
  for (const { state, exitedAt } of visits)
    found.set(state, exitedAt !== null ? 'done' : isRunning ? 'running' : 'failed');
  return found;
}

interface Point {
  x: number;
  y: number;
}

const path = (points: readonly Point[]): string =>
  points
    .map(({ x, y }, place) => `${place === 0 ? 'M' : 'L'}${x.toFixed(1)} ${y.toFixed(1)}`)
    .join(' ');

const marks: Record<Standing, string> = {
  'not reached': '',
  running: '… ',
  done: '✓ ',
  failed: '✗ ',
};

/** The state machine, coloured by what happened. A click on a state that was entered chooses it. */
export function Graph({
  machine,
  standing,
  chosen,
  choose,
}: {
  machine: Machine;
  standing: ReadonlyMap<string, Standing>;
  chosen: string | null;
  choose: (state: string) => void;
}) {
  const { nodes, edges, width, height } = useMemo(() => layOut(machine), [machine]);
  const place = useRef<HTMLDivElement>(null);
  // A narrow screen begins at the start state, or its first view would be empty.
  useEffect(() => {
    const start = nodes.find(({ name }) =>
      machine.states.some((state) => state.isStart && state.name === name),
    );
    const seen = place.current?.clientWidth ?? 0;
    if (place.current !== null && start !== undefined && start.x + start.width / 2 > seen)
      place.current.scrollLeft = start.x - seen / 2;
  }, [nodes]);
  return (
    <div class="scroll graph" ref={place}>
      <svg
        viewBox={`0 0 ${width} ${height}`}
        width={width}
        height={height}
        role="group"
        aria-label="The state machine"
      >
        <defs>
          <marker
            id="arrow"
            viewBox="0 0 8 8"
            refX="7"
            refY="4"
            markerWidth="7"
            markerHeight="7"
            orient="auto"
          >
            <path d="M0 0L8 4L0 8z" />
          </marker>
        </defs>
        {edges.map(({ points, label }) => (
          <path
            d={path(points)}
            class={label === 'error' ? 'move error' : 'move'}
            marker-end="url(#arrow)"
          />
        ))}
        {nodes.map(({ name, type, x, y, width: wide }) => {
          const how = standing.get(name) ?? 'not reached';
          const entered = how !== 'not reached';
          return (
            <g
              class={`state ${how.replace(' ', '-')}${type === 'Task' ? '' : ' small'}${chosen === name ? ' chosen' : ''}`}
              role={entered ? 'button' : undefined}
              tabindex={entered ? 0 : undefined}
              aria-label={`${name}: ${how}`}
              aria-pressed={entered ? chosen === name : undefined}
              onClick={() => entered && choose(name)}
              onKeyDown={(event) => {
                if (!entered || (event.key !== 'Enter' && event.key !== ' ')) return;
                event.preventDefault();
                choose(name);
              }}
            >
              <rect
                x={x - wide / 2}
                y={y - HEIGHT / 2}
                width={wide}
                height={HEIGHT}
                rx={type === 'Task' ? 6 : 16}
              />
              <text x={x} y={y + 4.5} text-anchor="middle">
                {marks[how]}
                {name}
              </text>
            </g>
          );
        })}
      </svg>
    </div>
  );
}

function layOut({ states, moves }: Machine) {
  const graph = new dagre.graphlib.Graph();
  graph.setGraph({ rankdir: 'TB', nodesep: 26, ranksep: 26, marginx: 8, marginy: 8 });
  graph.setDefaultEdgeLabel(() => ({}));
  for (const { name } of states) graph.setNode(name, { width: widthOf(name), height: HEIGHT });
  const places = new Map(states.map(({ name }, place) => [name, place]));
  for (const { from, to } of moves) {
    const steps = (places.get(to) ?? 0) - (places.get(from) ?? 0);
    // The way that most runs go stays straight.
    graph.setEdge(from, to, { weight: steps > 0 && steps < 4 ? 20 : 1 });
  }
  dagre.layout(graph);
  const whole = graph.graph();
  return {
    width: whole.width ?? 0,
    height: whole.height ?? 0,
    nodes: states.map(({ name, type }) => {
      const { x, y, width } = graph.node(name);
      return { name, type, x, y, width };
    }),
    edges: moves.map(({ from, to, label }) => ({
      label,
      points: graph.edge(from, to).points ?? [],
    })),
  };
}
