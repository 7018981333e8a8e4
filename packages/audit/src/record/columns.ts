import type { AuditEvent } from "@agent-keys/core/audit";

/** What of an event a database is asked for. The line itself is the record; these only find it. */
export interface Columns {
  readonly writer: string;
  readonly seq: number;
  readonly time: string;
  readonly type: string;
  readonly id: string;
  readonly iss: string | null;
  readonly key_id: string | null;
  readonly parent_id: string | null;
  /** Of a revocation, whom it names: it is about them as much as a call is. */
  readonly agent: string | null;
  readonly user_id: string | null;
  readonly txn: string | null;
  readonly tool: string | null;
  readonly call_id: string | null;
  /** The end, backwards, of the id that a call is found by when only its end is known. */
  readonly id_end: string | null;
  readonly code: string | null;
  readonly outcome: string | null;
  readonly scopes: readonly string[];
}

/** The columns of an event. Pure. */
export function columnsOf(event: AuditEvent): Columns {
  const { writer, seq, time, type, id } = event;
  const { agent, user, scopes } = namedBy(event);
  const keyId = "keyId" in event ? event.keyId : undefined;
  const tool = "tool" in event ? event.tool : undefined;
  const isAboutCall = type.startsWith("key.") || type.startsWith("request.");
  const nameless = keyId === undefined && tool?.callId === undefined ? id : undefined;
  const endsWith = isAboutCall && !("selector" in event) ? (tool?.callId ?? nameless) : undefined;
  return {
    writer: columnText(writer),
    seq,
    time,
    type,
    id: columnText(id),
    iss: optional("iss" in event ? event.iss : undefined),
    key_id: optional(keyId),
    parent_id: optional("parentId" in event ? event.parentId : undefined),
    agent: optional(agent),
    user_id: optional(user),
    txn: optional("txn" in event ? event.txn : undefined),
    tool: optional(tool?.name),
    call_id: optional(tool?.callId),
    id_end: endsWith === undefined ? null : columnEnd(endsWith),
    code: "code" in event ? event.code : null,
    outcome: "outcome" in event ? event.outcome : null,
    scopes: scopes.map(columnText),
  };
}

/** Longer ones are cut: an index takes no more, and the line has the whole. */
const COLUMN_CHARACTERS = 256;
const END_CHARACTERS = 64;

/**
 * A text as it stands in a column, and as a column is asked for it: names come from anywhere, and a
 * database must not be able to refuse one. It may hold for others that begin alike.
 */
export function columnText(text: string): string {
  return text.slice(0, COLUMN_CHARACTERS).replaceAll("\0", "\uFFFD").toWellFormed();
}

/** The end of a text, backwards, so that an index finds it. */
export function columnEnd(text: string): string {
  return columnText(Array.from(text.slice(-END_CHARACTERS).toWellFormed()).toReversed().join(""));
}

function optional(text: string | undefined): string | null {
  return text === undefined ? null : columnText(text);
}

function namedBy(event: AuditEvent): {
  readonly agent: string | undefined;
  readonly user: string | undefined;
  readonly scopes: readonly string[];
} {
  if ("selector" in event) {
    const { selector } = event;
    return {
      agent: "agent" in selector ? selector.agent : undefined,
      user: "user" in selector ? selector.user : undefined,
      scopes: "scope" in selector ? [selector.scope] : [],
    };
  }
  return {
    agent: "agent" in event ? event.agent : undefined,
    user: "user" in event ? event.user : undefined,
    scopes: "scopes" in event ? (event.scopes ?? []) : [],
  };
}
