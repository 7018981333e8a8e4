import type { RequestRecord } from "../audit/event.ts";
import type { Grant } from "../grant.ts";
import { keyRecord, type RecordedBy } from "../record.ts";
import { type Claims, userOf } from "../token/claims.ts";

/** Which operation of which service a request is for. */
export type RequestTarget = Pick<RequestRecord, "service" | "method" | "route">;

/**
 * The common part of every request event of a verified key.
 *
 * @param grants - What the key allows here: what the record calls its grants.
 */
export function requestRecord(
  claims: Claims,
  grants: readonly Grant[],
  target: RequestTarget,
  hide: Pick<RecordedBy, "redact" | "auditKey">,
): RequestRecord {
  const call = {
    agent: claims.act.sub,
    user: userOf(claims),
    txn: claims.txn,
    tool: undefined,
    parentId: claims.parent?.jti,
    argsDigest: undefined,
  };
  const key = keyRecord({ ...hide, iss: claims.iss }, call, grants);
  const { service, method, route } = target;
  return { ...key, keyId: claims.jti, service, method, route };
}
