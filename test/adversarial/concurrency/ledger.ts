import type { AuditEvent, Outcome, Sink } from "@agent-keys/core";

interface Entry {
  readonly callId: string | undefined;
  readonly tool: string | undefined;
  readonly parentId: string | undefined;
  outcome: Outcome | undefined;
}

/** Keeps count of keys as the audit tells of them, and of everything that does not add up. */
export interface Ledger {
  readonly sink: Sink;
  readonly keys: ReadonlyMap<string, Entry>;
  /** By the tool call's id. */
  readonly keyOf: ReadonlyMap<string, string>;
  readonly denied: ReadonlyMap<string, string>;
  readonly problems: readonly string[];
  /** Resolves when no key is open. */
  allClosed(): Promise<void>;
}

export function openLedger(): Ledger {
  const keys = new Map<string, Entry>();
  const keyOf = new Map<string, string>();
  const denied = new Map<string, string>();
  const problems: string[] = [];
  let open = 0;
  let waiting: (() => void)[] = [];

  const minted = (event: AuditEvent & { readonly type: "key.minted" }): void => {
    const { keyId, tool, parentId } = event;
    if (keys.has(keyId)) problems.push(`${keyId} was minted twice`);
    keys.set(keyId, { callId: tool?.callId, tool: tool?.name, parentId, outcome: undefined });
    if (tool?.callId === undefined) return void problems.push(`${keyId} has no call`);
    if (keyOf.has(tool.callId)) problems.push(`${tool.callId} was given two keys`);
    keyOf.set(tool.callId, keyId);
    open += 1;
  };
  const closed = (event: AuditEvent & { readonly type: "key.closed" }): void => {
    const entry = keys.get(event.keyId);
    if (entry === undefined) return void problems.push(`${event.keyId} closed before it was`);
    if (entry.outcome !== undefined) problems.push(`${event.keyId} closed twice`);
    if (entry.callId !== event.tool?.callId)
      problems.push(`${event.keyId} closed for another call`);
    entry.outcome = event.outcome;
    open -= 1;
    if (open > 0) return;
    waiting.forEach((resolve) => resolve());
    waiting = [];
  };
  return {
    keys,
    keyOf,
    denied,
    problems,
    sink: {
      write(event) {
        if (event.type === "key.minted") minted(event);
        else if (event.type === "key.closed") closed(event);
        else if (event.type === "key.denied") denied.set(event.tool?.callId ?? "", event.code);
      },
    },
    async allClosed() {
      if (open > 0) await new Promise<void>((resolve) => waiting.push(resolve));
    },
  };
}
