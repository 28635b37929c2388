import { z } from 'zod';
import { page, Paging } from '../protocol';

/** Input of the List operations; times are in seconds since 1970. */
export const ListInput = z.looseObject({
  ...Paging,
  NameContains: z.string().optional(),
  StatusEquals: z.string().optional(),
  CreationTimeAfter: z.number().optional(),
  CreationTimeBefore: z.number().optional(),
  SortBy: z.string().optional(),
  SortOrder: z.string().optional(),
});

export interface Listed {
  readonly name: string;
  readonly createdAt: number;
  readonly status?: string;
}

/** One page of a List operation's items; newest first by default. */
export function listed<T extends Listed>(
  items: readonly T[],
  input: z.infer<typeof ListInput>,
): { items: T[]; NextToken?: string } {
  const {
    NameContains,
    StatusEquals,
    CreationTimeAfter = 0,
    CreationTimeBefore = Infinity,
  } = input;
  const chosen = items.filter(
    (item) =>
      (NameContains === undefined ||
        item.name.toLowerCase().includes(NameContains.toLowerCase())) &&
      (StatusEquals === undefined || item.status === StatusEquals) &&
      item.createdAt / 1000 >= CreationTimeAfter &&
      item.createdAt / 1000 <= CreationTimeBefore,
  );
  const ascending = /^asc/i.test(input.SortOrder ?? '') ? 1 : -1;
  const order =
    input.SortBy === 'Name'
      ? (a: T, b: T) => ascending * a.name.localeCompare(b.name)
      : (a: T, b: T) => ascending * (a.createdAt - b.createdAt);
  return page(chosen.sort(order), input, 'ValidationException');
}
