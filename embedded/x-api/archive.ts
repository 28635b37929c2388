import { mkdirSync, readFileSync } from 'node:fs';
import { dirname } from 'node:path';
import { z } from 'zod';
import { durable, lenient } from '../../workflows/durable';
import type { RatedText } from '../corpus/read-corpus';
import { writeAtomically } from '../../session/files';
import { drifted, type DriftScript } from './drift';
import { authors, drawAuthor, type Author } from './authors';
import { indexed, type Indexed } from './query';
import { randomFrom, shuffled } from './random';
import { compareIds, idAt, timeOf } from './snowflake';

const hour = 3_600_000;
/** Two hours less than recent search's seven days, because the first run takes time. */
const historyMillis = 7 * 24 * hour - 2 * hour;
/** Share of posts that is held back at first, so that later runs find new posts. */
const heldShare = 1 / 7;
const releases = 2;

const Post = lenient(
  z.object({
    row: z.number().int().positive(),
    id: z.string().regex(/^\d+$/),
    author: z
      .number()
      .int()
      .nonnegative()
      .max(authors.length - 1),
    text: z.string(),
  }),
);
type Post = z.infer<typeof Post>;

export const Saved = durable(
  'The archive of the X stub',
  z.object({
    schemaVersion: z.literal(1),
    firstBoot: z.iso.datetime(),
    /** Visible posts. */
    posts: z.array(Post),
    /** Posts that are held back, in the order of their release. */
    held: z.array(lenient(z.object({ row: z.number().int().positive(), text: z.string() }))),
    /** Number of posts in one release. */
    releaseSize: z.number().int().nonnegative(),
  }),
);
type Saved = z.infer<typeof Saved>;

/** One post with the data of X's response. */
export interface ArchivedPost {
  id: string;
  text: string;
  lang: string;
  createdAt: number;
  author: Author;
  searchable: Indexed;
  metrics: { retweet_count: number; reply_count: number; like_count: number; quote_count: number };
  /** Ids of its versions, oldest first; only its own id if it was never edited. */
  history?: readonly string[];
  /** Posts it refers to. The text of a retweet is derived from the retweeted post. */
  references?: readonly { type: 'retweeted' | 'quoted' | 'replied_to'; post: ArchivedPost }[];
  withheld?: { copyright: boolean; country_codes: readonly string[] };
}

/** Relative number of posts by time of day: 0.25 at 04:00 UTC, 1 at 16:00 UTC. */
const liveliness = (millis: number): number =>
  0.625 - 0.375 * Math.cos((((millis / hour) % 24) - 4) * (Math.PI / 12));

/** `count` sorted times in [from, to), weighted by `liveliness`. */
function drawTimes(count: number, from: number, to: number, random: () => number): number[] {
  return Array.from({ length: count }, () => {
    for (;;) {
      const time = Math.floor(from + random() * (to - from));
      if (random() < liveliness(time)) return time;
    }
  }).sort((a, b) => a - b);
}

function post(
  texts: readonly { row: number; text: string }[],
  from: number,
  to: number,
  seed: string,
): Post[] {
  const random = randomFrom(seed);
  const times = drawTimes(texts.length, from, to, random);
  return texts.map(({ row, text }, index) => ({
    row,
    text,
    id: idAt(times[index] ?? from, index % 4096),
    author: drawAuthor(random),
  }));
}

/** Invented metrics: they depend on the author's followers, with a long tail. */
function metricsOf({ row, author }: Post): ArchivedPost['metrics'] {
  const random = randomFrom(`metrics ${row}`);
  const audience = authors[author]?.followers ?? 1;
  const likes = Math.floor((audience * 0.002 + 1) * random() ** 6 * 12);
  return {
    like_count: likes,
    retweet_count: Math.floor(likes * random() * 0.4),
    reply_count: Math.floor(likes * random() * 0.2),
    quote_count: Math.floor(likes * random() * 0.08),
  };
}

/**
 * The posts of the X API stub: the rated corpus, with invented authors and times.
 *
 * Their times are in the seven days before the first boot. They are stored in one file and do not change
 * afterwards. About a seventh is held back; see `release`.
 */
export class Archive {
  private constructor(
    private readonly path: string,
    private saved: Saved,
    /** Newest first, as in search results. */
    private visible: ArchivedPost[],
    private readonly drift: DriftScript | undefined,
  ) {}

  /**
   * Opens the archive at `path`, or creates it; `drift` changes what is shown of it, not what is stored. Throws when this
   * release cannot read it.
   */
  static open(
    path: string,
    readTexts: () => RatedText[],
    now: number,
    drift?: DriftScript,
  ): Archive {
    mkdirSync(dirname(path), { recursive: true });
    const saved = load(path) ?? layOut(readTexts(), now);
    const archive = new Archive(path, saved, [], drift);
    archive.keep(saved);
    return archive;
  }

  get posts(): readonly ArchivedPost[] {
    return this.visible;
  }

  get heldBack(): number {
    return this.saved.held.length;
  }

  /**
   * Releases the next few hundred held-back posts, with times between the newest post and now. After two
   * releases none are left. Returns the number of released posts.
   */
  release(now: number): number {
    const newest = this.visible[0];
    const from = newest ? newest.createdAt + 1 : now - 1;
    const arriving = this.saved.held.slice(0, this.saved.releaseSize);
    if (arriving.length === 0 || from >= now) return 0;
    this.keep({
      ...this.saved,
      posts: [
        ...this.saved.posts,
        ...post(arriving, from, now, `release ${this.saved.held.length}`),
      ],
      held: this.saved.held.slice(arriving.length),
    });
    return arriving.length;
  }

  private keep(saved: Saved): void {
    writeAtomically(this.path, JSON.stringify(saved));
    this.saved = saved;
    this.visible = saved.posts
      .map((kept) => show(kept, this.drift))
      .sort((a, b) => compareIds(b.id, a.id));
  }
}

function show(kept: Post, drift: DriftScript | undefined): ArchivedPost {
  const author = authors[kept.author];
  if (!author)
    throw new Error(`the archive has the author ${kept.author}, but only ${authors.length} exist`);
  const createdAt = timeOf(kept.id);
  const text = drifted({ ...kept, createdAt }, drift);
  return {
    id: kept.id,
    text,
    lang: 'en',
    createdAt,
    author,
    searchable: indexed({ text, lang: 'en', username: author.username }),
    metrics: metricsOf(kept),
  };
}

function load(path: string): Saved | undefined {
  let content: string;
  try {
    content = readFileSync(path, 'utf8');
  } catch {
    return undefined;
  }
  const saved = Saved.safeParse(JSON.parse(content));
  if (!saved.success)
    throw new Error(
      `${path} is not an archive that this release can read: ${z.prettifyError(saved.error)}`,
    );
  return saved.data;
}

function layOut(texts: readonly RatedText[], now: number): Saved {
  const order = shuffled(texts, randomFrom('order')).map(({ row, text }) => ({ row, text }));
  const heldCount = Math.floor(order.length * heldShare);
  const shown = order.slice(heldCount);
  return {
    schemaVersion: 1,
    firstBoot: new Date(now).toISOString(),
    posts: post(shown, now - historyMillis, now, 'history'),
    held: order.slice(0, heldCount),
    releaseSize: Math.ceil(heldCount / releases),
  };
}
