import type { AuditEvent } from "@agent-keys/core/audit";

/** What an event may say, whatever its type is. */
export interface EventFields {
  readonly time: string;
  readonly type: string;
  readonly id: string;
  readonly writer: string;
  readonly seq: number;
  readonly hash: string;
  readonly iss?: string | undefined;
  readonly agent?: string | undefined;
  readonly user?: string | undefined;
  readonly txn?: string | undefined;
  readonly tool?: { readonly name: string; readonly callId?: string; readonly framework: string };
  readonly keyId?: string | undefined;
  readonly parentId?: string | undefined;
  readonly scopes?: readonly string[] | undefined;
  readonly outcome?: string | undefined;
  readonly code?: string | undefined;
  readonly durationMs?: number | undefined;
  readonly service?: string | undefined;
  readonly method?: string | undefined;
  readonly route?: string | undefined;
  readonly status?: number | undefined;
  readonly bytes?: number | undefined;
  readonly check?: string | undefined;
  readonly reason?: string | undefined;
  readonly by?: string | undefined;
}

/** An event as fields that it may have. */
export function fieldsOf(event: AuditEvent): EventFields {
  return event as EventFields;
}

/** Whether an event says that something was not allowed. */
export function isRefusal({ type }: { readonly type: string }): boolean {
  return type === "key.denied" || type === "request.refused" || type === "approval.refused";
}
