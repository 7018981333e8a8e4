import type { AuditEvent } from "./event.ts";
import { printable } from "./printable.ts";

/** What a cell means, which decides its colour. */
export type Tone = "good" | "bad" | "warn" | "dim" | "plain";

/** What a line says of an event, cell by cell. Every text is safe to print. */
export interface EventCells {
  /** ISO 8601, UTC, milliseconds. */
  readonly time: string;
  /** What happened. In capitals where somebody may have to do something. */
  readonly word: string;
  readonly tone: Tone;
  /** What `agent-keys show` finds the call by: the key's id, or a refused call's own, or the refusal's. */
  readonly id: string;
  /** Whose id it is. */
  readonly idOf: "key" | "call" | "event";
  /** Absent on events that are about no call. */
  readonly call?: { readonly agent: string; readonly tool: string; readonly detail: string };
  /** The scopes, or whatever else there is to say. */
  readonly last: string;
  /** Shown where there is room. */
  readonly more: string;
}

/** Takes an event apart for showing it. Pure. */
export function eventCells(event: AuditEvent): EventCells {
  const { word, tone, id = "", idOf = "key", call, last, more = [] } = describe(event);
  const safe = call && {
    agent: printable(call.agent),
    tool: printable(call.tool),
    detail: printable(call.detail),
  };
  return {
    time: event.time,
    word,
    tone,
    id: printable(id),
    idOf,
    ...(safe === undefined ? {} : { call: safe }),
    last: printable(last),
    more: printable(more.join(" ")),
  };
}

interface Description {
  readonly word: string;
  readonly tone: Tone;
  readonly id?: string | undefined;
  readonly idOf?: EventCells["idOf"];
  readonly call?: NonNullable<EventCells["call"]>;
  readonly last: string;
  readonly more?: readonly string[];
}

function describe(event: AuditEvent): Description {
  switch (event.type) {
    case "key.minted": {
      const lifeMs = Date.parse(event.expiresAt) - Date.parse(event.time);
      return { ...keyEvent(event, durationText(lifeMs)), word: "minted", tone: "dim" };
    }
    case "key.denied": {
      const cells = keyEvent(event, event.code);
      // What was refused outside any tool has no other name.
      const name = cells.id === undefined ? ({ id: event.id, idOf: "event" } as const) : {};
      return { ...cells, ...name, word: "DENIED", tone: "bad" };
    }
    case "key.closed": {
      const { word, tone } = OUTCOMES[event.outcome];
      return { ...keyEvent(event, durationText(event.durationMs)), word, tone };
    }
    case "key.revoked":
    case "key.restored": {
      const [[name, value] = ["", ""]] = Object.entries(event.selector);
      const what = "all" in event.selector ? "every key" : `${name} ${String(value)}`;
      const why = event.reason === undefined ? "" : `: ${event.reason}`;
      return {
        word: event.type === "key.revoked" ? "REVOKED" : "restored",
        tone: "warn",
        id: "id" in event.selector ? event.selector.id : undefined,
        last: `${what} by ${event.by}${why}`,
      };
    }
    case "request.allowed":
      return { ...request(event, "allowed"), word: "request", tone: "dim" };
    case "request.completed": {
      const { status, durationMs } = event;
      // Of a service that cannot be reached, or that the caller did not wait for.
      const answer = status === 0 ? "no answer" : String(status);
      return {
        ...request(event, `${answer} ${durationText(durationMs)}`),
        word: "request",
        tone: status > 0 && status < 400 ? "good" : "warn",
      };
    }
    case "request.refused": {
      const { code, count = 1 } = event;
      const detail = count > 1 ? `${code} x${count}` : code;
      return { ...request(event, detail), word: "REFUSED", tone: "bad" };
    }
    case "audit.opened":
      return about("opened", "dim", `writer ${event.writer}, process ${event.pid}`);
    case "audit.rotated":
      return event.deleted === true
        ? about("ROTATED", "bad", `${event.from} was deleted`)
        : about("rotated", "dim", `from ${event.from}`);
    case "audit.repaired":
      return about("REPAIRED", "warn", `a torn line that ended at byte ${event.atByte}`);
    case "approval.requested":
      return { ...keyEvent(event, byWhom(event)), word: "asked", tone: "warn" };
    case "approval.granted":
      return { ...keyEvent(event, byWhom(event)), word: "granted", tone: "good" };
    case "approval.refused":
      return { ...keyEvent(event, byWhom(event)), word: "REFUSED", tone: "bad" };
  }
}

const OUTCOMES = {
  ok: { word: "ok", tone: "good" },
  error: { word: "ERROR", tone: "bad" },
  interrupted: { word: "interrupted", tone: "warn" },
  cancelled: { word: "CANCELLED", tone: "warn" },
  expired: { word: "EXPIRED", tone: "bad" },
} as const;

function about(word: string, tone: Tone, last: string): Description {
  return { word, tone, last };
}

interface Named {
  readonly agent?: string | undefined;
  readonly user?: string | undefined;
  readonly txn?: string | undefined;
  readonly tool?: { readonly name: string; readonly callId?: string | undefined } | undefined;
  readonly keyId?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
}

function keyEvent(event: Named, detail: string): Omit<Description, "word" | "tone"> {
  const { agent = "", tool, keyId, scopes = [] } = event;
  return {
    id: keyId ?? tool?.callId,
    idOf: keyId === undefined ? "call" : "key",
    call: { agent, tool: tool?.name ?? "", detail },
    last: scopes.join(" "),
    more: context(event),
  };
}

function request(
  event: Named & { readonly service?: string; readonly method?: string; readonly route?: string },
  detail: string,
): Omit<Description, "word" | "tone"> {
  const { service, method, route } = event;
  return { ...keyEvent(event, detail), last: [service, method, route].filter(Boolean).join(" ") };
}

function context({ user, txn, tool }: Named): readonly string[] {
  const named = { user, txn, call: tool?.callId };
  return Object.entries(named).flatMap(([name, value]) => (value ? [`${name}=${value}`] : []));
}

function byWhom({ by }: { readonly by?: string | undefined }): string {
  return by === undefined ? "approval" : `by ${by}`;
}

/** Milliseconds for people: `0.4ms`, `12ms`, `3.1s`, `10s`, `2m05s`. */
export function durationText(ms: number): string {
  if (ms < 9.95) return `${ms.toFixed(1).replace(/\.0$/, "")}ms`;
  if (ms < 999.5) return `${Math.round(ms)}ms`;
  if (ms < 59_950) return `${(ms / 1000).toFixed(1).replace(/\.0$/, "")}s`;
  const seconds = Math.round(ms / 1000);
  const [hours, minutes] = [Math.floor(seconds / 3600), Math.floor(seconds / 60) % 60];
  const two = (count: number): string => String(count).padStart(2, "0");
  return hours > 0 ? `${hours}h${two(minutes)}m` : `${minutes}m${two(seconds % 60)}s`;
}
