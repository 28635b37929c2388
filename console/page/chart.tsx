import * as Plot from '@observablehq/plot';
import { useEffect, useRef, useState } from 'preact/hooks';

/**
 * A drawing of Plot, as wide as its place. `make` gets that width in pixels; `again` tells when to draw anew. `about` is
 * read out in place of the drawing.
 */
export function Chart({
  about,
  make,
  again,
}: {
  about: string;
  make: (width: number) => Plot.PlotOptions;
  again: readonly unknown[];
}) {
  const place = useRef<HTMLDivElement>(null);
  const [width, setWidth] = useState(0);
  useEffect(() => {
    const { current } = place;
    if (current === null) return undefined;
    const watcher = new ResizeObserver(() => setWidth(Math.floor(current.clientWidth)));
    watcher.observe(current);
    return () => watcher.disconnect();
  }, []);
  useEffect(() => {
    if (width === 0) return undefined;
    const drawing = Plot.plot({
      width,
      style: { background: 'transparent', fontSize: '12px' },
      ...make(width),
    });
    // The drawing is read out as one picture: its parts have no role that takes a name.
    for (const part of drawing.querySelectorAll('[aria-label]')) part.removeAttribute('aria-label');
    drawing.setAttribute('role', 'img');
    drawing.setAttribute('aria-label', about);
    place.current?.append(drawing);
    return () => drawing.remove();
  }, [width, about, ...again]);
  return <div class="chart" ref={place} />;
}

/** Read from the style sheet, so that light and dark have their own. */
export const colourOf = (name: string): string =>
  getComputedStyle(document.documentElement).getPropertyValue(`--${name}`).trim();

export const sentiments = ['negative', 'neutral', 'positive'] as const;
export const sentimentColours = () => ({
  domain: [...sentiments],
  range: sentiments.map(colourOf),
});
