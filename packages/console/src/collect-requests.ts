import type { AuditEvent, AuditEventOf } from "@agent-keys/core/audit";
import { type Durations, durations } from "./durations.ts";
import { compare, mostOften } from "./ranking.ts";

/** What became of some requests. */
export interface RequestRow {
  /** The agent, or the service, method and route; `null` where the refused request had none. */
  readonly name: string | null;
  /** All that were asked for, refused ones too. */
  readonly requests: number;
  /** Answered with a status below 400. */
  readonly ok: number;
  readonly refused: number;
  /** Answered with another status. */
  readonly errors: number;
  /** Sent, and not on record as answered. */
  readonly open: number;
  /** Of those that were answered. */
  readonly p50Ms: number | null;
  readonly p95Ms: number | null;
}

/** What became of the requests in a record. */
export interface RequestStats {
  readonly total: RequestRow;
  /** Most requests first. */
  readonly agents: readonly RequestRow[];
  readonly routes: readonly RequestRow[];
  /** Why requests were refused, most often first. */
  readonly codes: readonly { readonly code: string; readonly count: number }[];
}

type RequestEvent = AuditEventOf<"request.allowed" | "request.completed" | "request.refused">;
type Fate = "ok" | "refused" | "errors" | "open";

interface Group {
  readonly fates: Record<Fate, number>;
  readonly durations: Durations;
}

/** Counts requests, given events from the newest to the oldest. */
export function collectRequests(): {
  /** @returns Whether it was about a request. */
  add(event: AuditEvent): boolean;
  stats(): RequestStats;
} {
  const total = emptyGroup();
  const agents = new Map<string | null, Group>();
  const routes = new Map<string | null, Group>();
  const codes = new Map<string, number>();
  /** Ends whose beginning has not come yet: how many were under way at one time. */
  const ended = new Map<string, number>();

  const count = (event: RequestEvent, fate: Fate, times = 1): void => {
    const { agent = null } = event;
    for (const group of [total, groupOf(agents, agent), groupOf(routes, routeOf(event))]) {
      group.fates[fate] += times;
      if (event.type === "request.completed") group.durations.add(event.durationMs);
    }
  };
  const add = (event: RequestEvent): void => {
    const name = `${event.iss} ${event.keyId} ${routeOf(event)}`;
    const ends = ended.get(name) ?? 0;
    if (event.type === "request.refused") {
      const { code, count: times = 1 } = event;
      codes.set(code, (codes.get(code) ?? 0) + times);
      count(event, "refused", times);
    } else if (event.type === "request.completed") {
      ended.set(name, ends + 1);
      count(event, event.status > 0 && event.status < 400 ? "ok" : "errors");
    } else if (ends === 0) {
      count(event, "open");
    } else if (ends === 1) {
      ended.delete(name);
    } else {
      ended.set(name, ends - 1);
    }
  };
  return {
    add(event) {
      const isRequest = isRequestEvent(event);
      if (isRequest) add(event);
      return isRequest;
    },
    stats: () => ({
      total: toRow(null, total),
      agents: toRows(agents),
      routes: toRows(routes),
      codes: mostOften(codes),
    }),
  };
}

/** Whether an event is about a request. */
export function isRequestEvent(event: AuditEvent): event is RequestEvent {
  return (
    event.type === "request.allowed" ||
    event.type === "request.completed" ||
    event.type === "request.refused"
  );
}

function routeOf({ service, method, route }: RequestEvent): string | null {
  return route ? `${service} ${method} ${route}` : null;
}

function emptyGroup(): Group {
  return { fates: { ok: 0, refused: 0, errors: 0, open: 0 }, durations: durations() };
}

function groupOf(groups: Map<string | null, Group>, name: string | null): Group {
  const group = groups.get(name) ?? emptyGroup();
  groups.set(name, group);
  return group;
}

function toRows(groups: ReadonlyMap<string | null, Group>): readonly RequestRow[] {
  return Array.from(groups, ([name, group]) => toRow(name, group)).toSorted(
    (a, b) => b.requests - a.requests || compare(a.name ?? "", b.name ?? ""),
  );
}

function toRow(name: string | null, { fates, durations: took }: Group): RequestRow {
  const requests = Object.values(fates).reduce((sum, times) => sum + times, 0);
  const [p50Ms, p95Ms] = [took.percentile(50), took.percentile(95)];
  return { name, requests, ...fates, p50Ms, p95Ms };
}
