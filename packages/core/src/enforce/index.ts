/**
 * What an enforcement point is made of: reading a token and a notice, what a policy leaves of a key,
 * its uses, and the record. For brokers; an API that accepts keys itself wants `verifyKey`.
 *
 * @module
 */
export {
  type Claims,
  actors,
  LEEWAY_SECONDS,
  parentsOf,
  toGrants,
  userOf,
} from "../token/claims.ts";
export type { TokenAlgorithm, TokenHeader } from "../token/gate.ts";
export {
  type FindKey,
  isExpired,
  type ReadToken,
  readToken,
  type TokenExpectation,
} from "../token/verify.ts";
export { claimedIssuer } from "./claimed-issuer.ts";
export { issuerKeys } from "./issuer-keys.ts";

export { factsOf } from "../token/verified-key.ts";
export {
  peekUse,
  type ReservedUse,
  reserveUse,
  type UsableGrant,
  usableGrants,
} from "../token/uses.ts";
export { isScope } from "../scope.ts";
export { toValueSet, type ValueSet } from "../constraint.ts";
export { selectorSchema } from "../revocation.ts";
export { requireLive, requireStore, storeError } from "../store/store.ts";
export { type RevocationIndex, revocationIndex } from "../store/revocation-index.ts";
export { reached } from "../store/memory-use-counter.ts";
export { parsePolicy } from "../policy.ts";
export { type EffectiveGrant, underPolicy } from "./under-policy.ts";

export {
  type ClosedKey,
  type NoticeAct,
  NOTICE_LIFE_SECONDS,
  NOTICE_MAX_LENGTH,
  type NoticeClaims,
  type NoticeExpectation,
  readNotice,
} from "../broker/notice.ts";
export {
  CONNECT,
  type ConnectableService,
  type InProcess,
  type InProcessHost,
} from "../broker/in-process.ts";
export { secretInputs, secretVariable } from "../broker/secret-inputs.ts";

export { argsDigest } from "../audit/canonical.ts";
export { type AuditLog, openAuditLog } from "../audit/emitter.ts";
export type { AuditFact, RequestRecord } from "../audit/event.ts";
export { type Common, inCommon } from "../audit/fact.ts";
export { requestRecord, type RequestTarget } from "./request-record.ts";
export { type Clock, systemClock } from "../clock.ts";
export { requireKnown } from "../known-options.ts";
export { isSecure } from "../secure-url.ts";
export { durationSeconds } from "../duration.ts";
