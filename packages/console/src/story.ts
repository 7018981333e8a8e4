import {
  type AuditEvent,
  type AuditEventOf,
  type Outcome,
  type RecordedGrant,
  scopeCovers,
  type ToolRef,
} from "@agent-keys/core/audit";
import { isRequestEvent } from "./collect-requests.ts";

/** One call: what it was, and what came of it. */
export interface Call {
  /** Absent when it was refused. */
  readonly keyId: string | null;
  readonly agent: string;
  readonly user: string | null;
  readonly txn: string | null;
  readonly tool: ToolRef | null;
  readonly parentId: string | null;
  readonly scopes: readonly string[];
  readonly grants: readonly RecordedGrant[];
  /** ISO 8601, like every time. */
  readonly mintedAt: string | null;
  /** The signing key. */
  readonly kid: string | null;
  readonly expiresAt: string | null;
  /** When it closed or was refused. */
  readonly endedAt: string | null;
  /** `"open"`: not on record as ended, or, when `mintedAt` is `null`, known by its requests alone. */
  readonly outcome: Outcome | "denied" | "open";
  /** Why it was refused. */
  readonly code: string | null;
  readonly durationMs: number | null;
}

/** One event of a story. */
export interface Step {
  /** Since the story began. */
  readonly offsetMs: number;
  /** 0 for the call itself, 1 for the calls that ran inside it, and so on. */
  readonly depth: number;
  readonly event: AuditEvent;
}

/** A call with everything that happened in it, in order. */
export interface Story {
  readonly call: Call;
  readonly steps: readonly Step[];
}

type RevocationEvent = AuditEventOf<"key.revoked" | "key.restored">;
type KeyEvent = AuditEventOf<"key.minted" | "key.denied" | "key.closed">;
/** A request under a key: all that a broker's own record has of it. */
type KeyedRequest = AuditEventOf<"request.allowed" | "request.completed">;
/** What a story can begin with. */
type CallEvent = KeyEvent | KeyedRequest | Verified<AuditEventOf<"request.refused">>;
type Verified<E> = E & Pick<KeyedRequest, "iss" | "agent" | "keyId" | "scopes" | "grants">;

/** A way to name calls. A tool call may have several keys: one for each time it was tried. */
export interface Handle {
  readonly kind: "key" | "call" | "event";
  readonly id: string;
}

/**
 * The handles of an event that a text names: a whole id or its beginning, and of a call's own id its
 * end too, since many begin alike. Every id that `ls` shows, shortened or not, is one. Pure.
 */
export function handlesLike(event: AuditEvent, text: string): readonly Handle[] {
  if (!isCallEvent(event)) return [];
  const { keyId, tool, id } = event;
  const callId = tool?.callId;
  const isNameless = keyId === undefined && callId === undefined;
  return [
    ...(keyId?.startsWith(text) ? [{ kind: "key", id: keyId } as const] : []),
    ...(callId?.startsWith(text) || callId?.endsWith(text)
      ? [{ kind: "call", id: callId } as const]
      : []),
    // A refusal outside any tool has no other name. The ids of one process's events all begin alike.
    ...(id === text || (isNameless && id.endsWith(text)) ? [{ kind: "event", id } as const] : []),
  ];
}

/** Gathers the stories of the calls that a handle names, from events in the order of the record. */
export interface StoryCollector {
  /** Ids that an event must hold to matter. */
  readonly ids: ReadonlySet<string>;
  add(event: AuditEvent): void;
  stories(): readonly Story[];
}

interface Draft {
  readonly root: {
    readonly first: CallEvent;
    minted?: Placed<AuditEventOf<"key.minted">>;
    end?: Placed<AuditEventOf<"key.denied" | "key.closed">>;
  };
  readonly steps: Placed[];
}

/** An event and its place in the record: of events in one millisecond, only this says which came first. */
interface Placed<E extends AuditEvent = AuditEvent> {
  readonly index: number;
  readonly depth: number;
  readonly event: E;
}

/** A collector that has seen nothing yet. */
export function storyCollector(handle: Handle): StoryCollector {
  const drafts: Draft[] = [];
  const revocations: Placed<RevocationEvent>[] = [];
  /** Every key of every story, with where it belongs. */
  const family = new Map<string, { readonly draft: Draft; readonly depth: number }>();
  const byId: typeof family = new Map();
  const ids = new Set([handle.id]);
  let count = 0;

  /** Of one issuer: a broker's record has several, and one could choose an id that another had. */
  const find = (iss: string | undefined, keyId: string | undefined) =>
    keyId === undefined ? undefined : family.get(`${iss} ${keyId}`);
  const remember = (
    iss: string | undefined,
    keyId: string | undefined,
    draft: Draft,
    depth: number,
  ): void => {
    if (keyId === undefined || find(iss, keyId) !== undefined) return;
    const place = { draft, depth };
    family.set(`${iss} ${keyId}`, place);
    byId.set(keyId, byId.get(keyId) ?? place);
    ids.add(keyId);
  };

  return {
    ids,
    add(event) {
      const index = count;
      count += 1;
      if (isRevocation(event)) return void revocations.push({ index, depth: 0, event });
      const keyId = "keyId" in event ? event.keyId : undefined;
      const parentId = "parentId" in event ? event.parentId : undefined;
      const iss = "iss" in event ? event.iss : undefined;
      const known = find(iss, keyId);
      // The call around it may be under another issuer's key.
      const parent = find(iss, parentId) ?? byId.get(parentId ?? "");
      if (known !== undefined) {
        known.draft.steps.push({ index, depth: known.depth, event });
        if (known.depth === 0) tell(known.draft, event, index);
      } else if (parent !== undefined) {
        remember(iss, keyId, parent.draft, parent.depth + 1);
        parent.draft.steps.push({ index, depth: parent.depth + 1, event });
      } else if (isCallEvent(event) && isNamed(event, handle)) {
        const draft: Draft = { root: { first: event }, steps: [{ index, depth: 0, event }] };
        tell(draft, event, index);
        drafts.push(draft);
        remember(iss, keyId, draft, 0);
      }
    },
    stories: () => drafts.map((draft) => toStory(draft, revocations)),
  };
}

function tell({ root }: Draft, event: AuditEvent, index: number): void {
  if (event.type === "key.minted") root.minted = { index, depth: 0, event };
  if (event.type === "key.closed" || event.type === "key.denied") {
    root.end = { index, depth: 0, event };
  }
}

function isNamed(event: CallEvent, handle: Handle): boolean {
  return handlesLike(event, handle.id).some(
    ({ kind, id }) => kind === handle.kind && id === handle.id,
  );
}

function isCallEvent(event: AuditEvent): event is CallEvent {
  if (isRequestEvent(event)) return event.keyId !== undefined && event.agent !== undefined;
  return event.type === "key.minted" || event.type === "key.denied" || event.type === "key.closed";
}

function isRevocation(event: AuditEvent): event is RevocationEvent {
  return event.type === "key.revoked" || event.type === "key.restored";
}

function toStory(draft: Draft, revocations: readonly Placed<RevocationEvent>[]): Story {
  const call = toCall(draft);
  const startMs = Date.parse(draft.root.first.time);
  const concerning = revocations.filter(
    (placed) => cameDuring(placed, draft, call) && concerns(placed.event, call, draft.root.first),
  );
  const inOrder = [...draft.steps, ...concerning].toSorted((a, b) => a.index - b.index);
  const steps = inOrder.map(({ depth, event }) => ({
    offsetMs: Date.parse(event.time) - startMs,
    depth,
    event,
  }));
  return { call, steps };
}

function toCall({ root: { first, minted, end } }: Draft): Call {
  const { agent, user = null, txn = null, tool = null, parentId = null } = first;
  const { scopes, grants } = minted?.event ?? first;
  return {
    keyId: first.keyId ?? null,
    agent,
    user,
    txn,
    tool,
    parentId,
    scopes,
    grants,
    mintedAt: minted?.event.time ?? null,
    kid: minted?.event.kid ?? null,
    expiresAt: minted?.event.expiresAt ?? null,
    endedAt: end?.event.time ?? null,
    ...fate(end?.event),
  };
}

function fate(
  end: AuditEventOf<"key.denied" | "key.closed"> | undefined,
): Pick<Call, "outcome" | "code" | "durationMs"> {
  if (end?.type === "key.closed") {
    return { outcome: end.outcome, code: null, durationMs: end.durationMs };
  }
  if (end?.type === "key.denied") return { outcome: "denied", code: end.code, durationMs: null };
  return { outcome: "open", code: null, durationMs: null };
}

/** Whether the record has it between the call's beginning and its end. */
function cameDuring({ index, event }: Placed, { root }: Draft, { expiresAt }: Call): boolean {
  if (root.minted === undefined || index < root.minted.index) return false;
  return root.end === undefined ? event.time <= (expiresAt ?? event.time) : index < root.end.index;
}

/** Whether a revocation, or the lifting of one, was about the call. */
function concerns({ selector, iss }: RevocationEvent, call: Call, of: CallEvent): boolean {
  // Without one: the keys of every issuer.
  if (iss !== undefined && iss !== of.iss) return false;
  if ("id" in selector) return selector.id === call.keyId;
  if ("agent" in selector) return selector.agent === call.agent;
  if ("user" in selector) return selector.user === call.user;
  if ("txn" in selector) return selector.txn === call.txn;
  if ("scope" in selector) return call.scopes.some((scope) => scopeCovers(selector.scope, scope));
  if ("issuer" in selector) return selector.issuer === of.iss;
  return "kid" in selector ? selector.kid === call.kid : true;
}
