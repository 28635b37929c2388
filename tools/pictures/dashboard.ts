import { z } from 'zod';
import { picture, rectangle, text, wrapped } from './svg';
import type { Resource } from './templates';

const Place = { x: z.number(), y: z.number(), width: z.number(), height: z.number() };
const Options = z.looseObject({ label: z.string().optional() });
const Metric = z.array(z.union([z.string(), Options]));
const Widget = z.discriminatedUnion('type', [
  z.looseObject({
    type: z.literal('text'),
    ...Place,
    properties: z.looseObject({ markdown: z.string() }),
  }),
  z.looseObject({
    type: z.literal('metric'),
    ...Place,
    properties: z.looseObject({
      title: z.string(),
      metrics: z.array(Metric).default([]),
      annotations: z.looseObject({ horizontal: z.array(z.unknown()).default([]) }).optional(),
    }),
  }),
]);
const Body = z.looseObject({ widgets: z.array(Widget) });
const Joined = z.union([
  z.string(),
  z
    .looseObject({ 'Fn::Join': z.tuple([z.string(), z.array(z.unknown())]) })
    .transform(({ 'Fn::Join': [between, parts] }) =>
      parts.map((part) => (typeof part === 'string' ? part : 'id')).join(between),
    ),
]);

const unit = 42;
/** A row of the dashboard, in pixels: lower than CloudWatch draws it, for there are no lines to see. */
const row = 15;
const margin = 20;

/** What a metric of a widget is called: its label, or its own name. */
function nameOf(metric: z.infer<typeof Metric>): string {
  const label = metric.flatMap((part) => (typeof part === 'string' ? [] : (part.label ?? [])))[0];
  const [, name = ''] = metric.filter((part) => typeof part === 'string');
  return (label ?? name).replace(/ \((avg|max|min):.*\)$/, '');
}

const shortened = (title: string, length: number): string =>
  title.length <= length ? title : `${title.slice(0, length - 1).trimEnd()}…`;

/** The dashboard's widgets at their places, with the names of their metrics; it has no data before a run on AWS. */
export function dashboardPicture(all: readonly Resource[]): string {
  const dashboard = all.find(({ Type }) => Type === 'AWS::CloudWatch::Dashboard');
  const { widgets } = Body.parse(JSON.parse(Joined.parse(dashboard?.Properties.DashboardBody)));
  const top = 60;
  const parts = widgets.flatMap((widget) => {
    const x = margin + widget.x * unit;
    const y = top + widget.y * row;
    const width = widget.width * unit - 8;
    const height = widget.height * row - 8;
    if (widget.type === 'text') {
      const title = widget.properties.markdown
        .replace(/\[([^\]]*)\]\([^)]*\)/g, '$1')
        .replace(/[#*]/g, '')
        .trim();
      return [text(x, y + 8, title, 'strong')];
    }
    const { title, metrics, annotations } = widget.properties;
    const names = [...new Set(metrics.map(nameOf))].filter((name) => name !== '');
    const lines = wrapped(names.join(' · '), Math.floor(width / 6.5));
    const room = Math.floor((height - 30) / 13);
    const shown =
      lines.length > room
        ? [...lines.slice(0, room - 1), `${lines[room - 1]?.slice(0, -2)} …`]
        : lines;
    const limits = annotations?.horizontal.length ?? 0;
    return [
      rectangle({ x, y, width, height }, 'box'),
      text(x + 10, y + 19, shortened(title, Math.floor(width / 8.3)), 'strong'),
      ...shown.map((line, index) => text(x + 10, y + 36 + index * 13, line, 'small quiet')),
      ...(limits === 0
        ? []
        : [
            text(
              x + width - 10,
              y + height - 7,
              limits === 1 ? '1 alarm' : `${limits} alarms`,
              'small bad',
              'end',
            ),
          ]),
    ];
  });
  const height = top + Math.max(...widgets.map(({ y, height: rows }) => y + rows)) * row + 14;
  return picture(
    24 * unit + margin * 2 - 8,
    Math.ceil(height),
    'The CloudWatch dashboard: its widgets and their metrics',
    [
      text(
        margin,
        34,
        'The CloudWatch dashboard: widgets and metrics, drawn from the template',
        'title',
      ),
      ...parts,
    ],
  );
}
