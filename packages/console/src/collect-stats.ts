import type { AuditEvent, AuditEventOf } from "@agent-keys/core/audit";
import { collectRequests, type RequestStats } from "./collect-requests.ts";
import { type Filter, passesFilter } from "./filter.ts";
import { type Durations, durations } from "./durations.ts";
import { compare, mostOften } from "./ranking.ts";

/** What became of some calls. */
export interface StatsRow {
  /** The agent, tool or scope; `null` for calls that no tool made. */
  readonly name: string | null;
  /** All that were asked for, refused ones too. */
  readonly calls: number;
  readonly ok: number;
  readonly denied: number;
  readonly errors: number;
  readonly expired: number;
  readonly cancelled: number;
  readonly interrupted: number;
  /** Minted, and not on record as closed: running, or its process ended before it could say so. */
  readonly open: number;
  /** Median of the closed calls' durations, and the duration that 95 of 100 stay within. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
}

/** What became of the calls in a record. */
export interface Stats {
  /** The first and the last event that was counted, ISO 8601. */
  readonly from: string | null;
  readonly to: string | null;
  readonly total: StatsRow;
  /** Most calls first. A call with several scopes counts for each. */
  readonly agents: readonly StatsRow[];
  readonly tools: readonly StatsRow[];
  readonly scopes: readonly StatsRow[];
  /** Why calls were refused, most often first. */
  readonly codes: readonly { readonly code: string; readonly count: number }[];
  /** What was sent with the keys, where a broker's record is read. */
  readonly requests: RequestStats;
}

type Fate = "ok" | "denied" | "errors" | "expired" | "cancelled" | "interrupted" | "open";

interface Group {
  readonly fates: Record<Fate, number>;
  readonly durations: Durations;
}

type CallEvent = AuditEventOf<"key.minted" | "key.denied" | "key.closed">;

/** Counts the calls of events that come from the newest to the oldest: a call's end before its beginning. */
export interface StatsCollector {
  add(event: AuditEvent): void;
  stats(): Stats;
}

/** Nothing counted yet. */
export function statsCollector(filter: Filter): StatsCollector {
  const total = emptyGroup();
  const agents = new Map<string | null, Group>();
  const tools = new Map<string | null, Group>();
  const scopes = new Map<string | null, Group>();
  const codes = new Map<string, number>();
  /** Ends whose beginning has not come yet. It stays small: what was open at one time. */
  const ended = new Set<string>();
  const requests = collectRequests();
  let from: string | null = null;
  let to: string | null = null;

  const seen = ({ time }: AuditEvent): void => {
    to ??= time;
    from = time;
  };
  const count = (event: CallEvent, fate: Fate): void => {
    seen(event);
    const groups = [
      total,
      groupOf(agents, event.agent),
      groupOf(tools, event.tool?.name ?? null),
      ...event.scopes.map((scope) => groupOf(scopes, scope)),
    ];
    for (const group of groups) {
      group.fates[fate] += 1;
      if (event.type === "key.closed") group.durations.add(event.durationMs);
    }
  };

  const add = (event: AuditEvent): void => {
    if (event.type === "key.minted") {
      const isCounted = ended.delete(`${event.iss} ${event.keyId}`);
      if (!isCounted && passesFilter(event, filter)) count(event, "open");
    } else if (event.type === "key.closed" && passesFilter(event, filter)) {
      ended.add(`${event.iss} ${event.keyId}`);
      count(event, event.outcome === "error" ? "errors" : event.outcome);
    } else if (event.type === "key.denied" && passesFilter(event, filter)) {
      // A mint that another sink could not record never was: it is refused, and not open.
      if (event.keyId !== undefined) ended.add(`${event.iss} ${event.keyId}`);
      codes.set(event.code, (codes.get(event.code) ?? 0) + 1);
      count(event, "denied");
    } else if (passesFilter(event, filter) && requests.add(event)) {
      seen(event);
    }
  };
  return {
    add,
    stats: () => ({
      from,
      to,
      total: toRow(null, total),
      agents: toRows(agents),
      tools: toRows(tools),
      scopes: toRows(scopes),
      codes: mostOften(codes),
      requests: requests.stats(),
    }),
  };
}

function emptyGroup(): Group {
  const fates = { ok: 0, denied: 0, errors: 0, expired: 0, cancelled: 0, interrupted: 0, open: 0 };
  return { fates, durations: durations() };
}

function groupOf(groups: Map<string | null, Group>, name: string | null): Group {
  const group = groups.get(name) ?? emptyGroup();
  groups.set(name, group);
  return group;
}

function toRows(groups: ReadonlyMap<string | null, Group>): readonly StatsRow[] {
  return Array.from(groups, ([name, group]) => toRow(name, group)).toSorted(
    (a, b) => b.calls - a.calls || compare(a.name ?? "", b.name ?? ""),
  );
}

function toRow(name: string | null, { fates, durations: took }: Group): StatsRow {
  const calls = Object.values(fates).reduce((sum, times) => sum + times, 0);
  return { name, calls, ...fates, p50Ms: took.percentile(50), p95Ms: took.percentile(95) };
}
