import type { KeyRecord, RecordedGrant, ToolRef } from "./audit/event.ts";
import { argsDigest } from "./audit/canonical.ts";
import type { Grant } from "./grant.ts";
import type { Issuer } from "./issuer.ts";
import { isIdentifier, TOKEN_MAX_LENGTH } from "./token/claims.ts";

/** What a key event says of the call, as far as it is known when the event is written. */
export interface CallRecord {
  readonly agent: string;
  readonly user: string | undefined;
  readonly txn: string | undefined;
  readonly tool: ToolRef | undefined;
  readonly parentId: string | undefined;
  readonly argsDigest: string | undefined;
}

/** Who issued the key, and how values are hidden. */
export type RecordedBy = Pick<Issuer, "iss" | "redact" | "auditKey">;

/** The common part of every key event, without members that say nothing. */
export function keyRecord(
  issuer: RecordedBy,
  call: CallRecord,
  grants: readonly Grant[],
): KeyRecord {
  const { agent, user, txn, tool, parentId, argsDigest: digest } = call;
  return {
    iss: issuer.iss,
    agent,
    ...(user === undefined ? {} : { user }),
    ...(txn === undefined ? {} : { txn }),
    ...(tool === undefined ? {} : { tool }),
    ...(parentId === undefined ? {} : { parentId }),
    scopes: [...new Set(grants.map((grant) => grant.scope))],
    grants: grants.map((grant) => recorded(issuer, grant)),
    ...(digest === undefined ? {} : { argsDigest: digest }),
  };
}

/**
 * The same of a call that was refused, and so may say anything: nothing unbounded stands on the record.
 * Grants that could not have been minted for their size are recorded by their scopes alone.
 */
export function refusalRecord(
  issuer: Issuer,
  call: CallRecord,
  grants: readonly Grant[],
): KeyRecord {
  const short = (text: string | undefined): string | undefined =>
    isIdentifier(text) ? text : undefined;
  const { agent, user, txn, tool } = call;
  const bounded: CallRecord = {
    ...call,
    agent: short(agent) ?? "",
    user: short(user),
    txn: short(txn),
    tool: tool && { ...tool, name: short(tool.name) ?? "", callId: short(tool.callId) },
  };
  const fits = JSON.stringify(grants).length <= TOKEN_MAX_LENGTH;
  return keyRecord(issuer, bounded, fits ? grants : grants.map(({ scope }) => ({ scope })));
}

function recorded({ redact, auditKey }: RecordedBy, grant: Grant): RecordedGrant {
  if (redact.size === 0 || grant.where === undefined) return grant;
  const where = Object.entries(grant.where).map(([name, constraint]) => [
    name,
    redact.has(name) ? { redacted: argsDigest(constraint, auditKey) } : constraint,
  ]);
  return { ...grant, where: Object.fromEntries(where) as RecordedGrant["where"] };
}
