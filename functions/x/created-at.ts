import { timeOfId } from './ids';

/**
 * How far a post's `created_at` may be from the time its id holds: an edited post may carry the time of its first
 * version, up to an hour back, and clocks differ. As in etl/posts.py: test/cases/created-at.tsv holds both to it.
 */
const ID_TOLERANCE_MS = 2 * 60 * 60 * 1000;
/** What can be read in several ways is read in the one that meets the id's time so closely. */
const SAME_MOMENT_MS = 60 * 1000;

const ISO =
  /^(\d{4}-\d{2}-\d{2})[T ](\d{2}:\d{2})(?::(\d{2})(?:\.(\d{1,9}))?)? ?(Z|UTC|GMT|[+-]\d{2}(?::?\d{2})?)?$/i;
const DAYS = ['Sun', 'Mon', 'Tue', 'Wed', 'Thu', 'Fri', 'Sat'];
const MONTHS = 'Jan Feb Mar Apr May Jun Jul Aug Sep Oct Nov Dec'.split(' ');
/** As API v1.1 wrote it: `Fri Nov 27 22:25:35 +0000 2026`. */
const V1 = /^([A-Z][a-z]{2}) ([A-Z][a-z]{2}) (\d{2}) (\d{2}:\d{2}:\d{2}) ([+-]\d{4}) (\d{4})$/;
const NUMBER = /^\d{9,19}$/;
/** Units of a number since 1970, in milliseconds. */
const UNITS_MS = [1000, 1, 1e-3, 1e-6];
/** No place on earth is further from UTC; Java takes no more. */
const MAX_OFFSET_MINUTES = 18 * 60;

/** What is wrong with it, as the end of a sentence that begins with the field's name. */
interface Wrong {
  wrong: string;
}

const MUST = 'must be an ISO 8601 instant such as 2026-11-24T02:20:00.000Z';

/**
 * The instant of a post's `created_at`. What has one meaning is read, in whatever form tools write it; where the zone
 * or the unit is missing, the time that the id holds decides. Anything else is wrong, and so is what contradicts the id.
 */
export function instantOf(value: unknown, id: string): Date | Wrong {
  const held = timeOfId(id);
  const read = readInstant(value, held);
  if ('wrong' in read || held === null) return read;
  return Math.abs(read.valueOf() - held.valueOf()) <= ID_TOLERANCE_MS
    ? read
    : { wrong: `not the time its id holds, which is ${held.toISOString()}` };
}

function readInstant(value: unknown, held: Date | null): Date | Wrong {
  const text = typeof value === 'number' ? String(value) : value;
  if (typeof text !== 'string') return { wrong: value === undefined ? 'is missing' : MUST };
  if (NUMBER.test(text)) return sinceEpoch(Number(text), held);
  const [, date = '', time = '', seconds = '00', fraction = '', zone] = ISO.exec(text) ?? [];
  if (date === '') return ofV1(text) ?? { wrong: MUST };
  if (seconds === '60') return { wrong: "is a leap second, which X's times never have" };
  const local = utc(date, `${time}:${seconds}`, fraction);
  if (local === null) return { wrong: 'is no day or time that there is' };
  if (zone === undefined) {
    return isMoment(local, held)
      ? local
      : { wrong: 'has no time zone: write it with Z or an offset such as +01:00' };
  }
  return shifted(local, zone) ?? { wrong: 'has an offset from UTC that no place has' };
}

const isMoment = (instant: Date, held: Date | null): boolean =>
  held !== null && Math.abs(instant.valueOf() - held.valueOf()) <= SAME_MOMENT_MS;

/** Numbers are seconds, milliseconds, micro- or nanoseconds: only the id tells which. */
function sinceEpoch(number: number, held: Date | null): Date | Wrong {
  const instants = UNITS_MS.map((unit) => new Date(Math.trunc(number * unit)));
  const instant = instants.find((one) => isMoment(one, held));
  if (instant !== undefined) return instant;
  return {
    wrong:
      held === null
        ? `is a number, and the id holds no time to tell its unit by: it ${MUST}`
        : `not the time its id holds, which is ${held.toISOString()}, in any unit`,
  };
}

function ofV1(text: string): Date | Wrong | null {
  const [, weekday = '', month = '', day = '', time = '', zone = '', year = ''] =
    V1.exec(text) ?? [];
  const number = MONTHS.indexOf(month) + 1;
  if (number === 0) return null;
  const local = utc(`${year}-${String(number).padStart(2, '0')}-${day}`, time, '');
  if (local === null || DAYS[local.getUTCDay()] !== weekday) {
    return { wrong: 'is no day or time that there is' };
  }
  return shifted(local, zone);
}

/** null for a day or a time that does not exist. */
function utc(date: string, time: string, fraction: string): Date | null {
  const [hour = 24] = time.split(':').map(Number);
  const instant = new Date(`${date}T${time}.${fraction.padEnd(3, '0').slice(0, 3)}Z`);
  const exists =
    hour < 24 &&
    !Number.isNaN(instant.valueOf()) &&
    instant.toISOString().startsWith(`${date}T${time}`);
  return exists ? instant : null;
}

function shifted(local: Date, zone: string): Date | null {
  const [, sign, hours = '0', minutes = '0'] = /^([+-])(\d{2}):?(\d{2})?$/.exec(zone) ?? [];
  const offset = Number(hours) * 60 + Number(minutes);
  if (offset > MAX_OFFSET_MINUTES || Number(minutes) > 59) return null;
  return new Date(local.valueOf() - (sign === '-' ? -offset : offset) * 60_000);
}
