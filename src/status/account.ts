// The account of a sink, per process life: read = delivered + dropped (by reason) + returned + pending. Pure.
import { type DropReason, dropReasons } from "./events.ts";
import type { Account } from "./snapshot.ts";

const noDrops = Object.fromEntries(dropReasons.map((reason) => [reason, 0])) as Record<DropReason, number>;

/** Each number exists with value 0 from the moment the sink exists. */
export const emptyAccount: Account = { read: 0, delivered: 0, dropped: noDrops, returned: 0, pending: 0 };

export type Entry = {
  read?: number;
  delivered?: number;
  returned?: number;
  dropped?: Partial<Record<DropReason, number>>;
};

/** The account with `entry` added; pending follows. */
export function enter(account: Account, entry: Entry): Account {
  const read = account.read + (entry.read ?? 0);
  const delivered = account.delivered + (entry.delivered ?? 0);
  const returned = account.returned + (entry.returned ?? 0);
  let dropped = account.dropped;
  for (const reason of dropReasons) {
    const n = entry.dropped?.[reason] ?? 0;
    if (n > 0) dropped = { ...dropped, [reason]: dropped[reason] + n };
  }
  return { read, delivered, dropped, returned, pending: read - delivered - returned - droppedTotal({ dropped }) };
}

export function droppedTotal({ dropped }: { dropped: Account["dropped"] }): number {
  let total = 0;
  for (const reason of dropReasons) total += dropped[reason];
  return total;
}
