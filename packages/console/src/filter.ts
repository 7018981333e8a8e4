import {
  type AuditEvent,
  type AuditEventType,
  type Outcome,
  scopeCovers,
} from "@agent-keys/core/audit";

/** Which events are meant. Members that are empty or absent mean all; values of one are alternatives. */
export interface Filter {
  readonly agents: readonly string[];
  readonly users: readonly string[];
  readonly tools: readonly string[];
  /** Scopes, or patterns such as `github:*`. */
  readonly scopes: readonly string[];
  readonly types: readonly AuditEventType[];
  readonly outcomes: readonly Outcome[];
  /** The first moment, in milliseconds since the epoch. */
  readonly sinceMs?: number | undefined;
  /** The last moment. */
  readonly untilMs?: number | undefined;
}

/** Every type of event. */
export const eventTypes: readonly AuditEventType[] = Object.keys({
  "key.minted": true,
  "key.denied": true,
  "key.closed": true,
  "key.revoked": true,
  "key.restored": true,
  "request.allowed": true,
  "request.completed": true,
  "request.refused": true,
  "audit.opened": true,
  "audit.rotated": true,
  "audit.repaired": true,
  "approval.requested": true,
  "approval.granted": true,
  "approval.refused": true,
} satisfies Record<AuditEventType, true>) as AuditEventType[];

/**
 * Whether an event passes a filter. Pure. A revocation of an agent, a user or a scope is about them
 * as much as a call is.
 */
export function passesFilter(event: AuditEvent, filter: Filter): boolean {
  const { agent, user, tool, scopes } = namedBy(event);
  const atMs = Date.parse(event.time);
  return (
    isAmong(filter.agents, agent) &&
    isAmong(filter.users, user) &&
    isAmong(filter.tools, tool) &&
    isAmong(filter.types, event.type) &&
    isAmong(filter.outcomes, "outcome" in event ? event.outcome : undefined) &&
    atMs >= (filter.sinceMs ?? -Infinity) &&
    atMs <= (filter.untilMs ?? Infinity) &&
    (filter.scopes.length === 0 ||
      filter.scopes.some((pattern) => scopes.some((scope) => scopeCovers(pattern, scope))))
  );
}

interface Named {
  readonly agent: string | undefined;
  readonly user: string | undefined;
  readonly tool: string | undefined;
  readonly scopes: readonly string[];
}

function namedBy(event: AuditEvent): Named {
  if ("selector" in event) {
    const { selector } = event;
    return {
      agent: "agent" in selector ? selector.agent : undefined,
      user: "user" in selector ? selector.user : undefined,
      tool: undefined,
      scopes: "scope" in selector ? [selector.scope] : [],
    };
  }
  return {
    agent: "agent" in event ? event.agent : undefined,
    user: "user" in event ? event.user : undefined,
    tool: "tool" in event ? event.tool?.name : undefined,
    scopes: "scopes" in event ? (event.scopes ?? []) : [],
  };
}

function isAmong<T extends string>(wanted: readonly T[], value: T | undefined): boolean {
  return wanted.length === 0 || (value !== undefined && wanted.includes(value));
}
