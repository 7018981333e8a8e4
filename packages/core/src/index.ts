export type { AgentKey } from "./agent-key.ts";
export type { KeyConnection } from "./broker/key-connection.ts";
export {
  type AgentKeys,
  createAgentKeys,
  type MintContext,
  type NarrowerContext,
  type RevokeOptions,
} from "./agent-keys.ts";
export type { AgentKeysOptions } from "./options.ts";
export { getLogs, withAgentKey } from "./with-agent-key.ts";
export { keyFetch } from "./broker/key-fetch.ts";
export type { BrokerOptions } from "./broker/options.ts";
export type { ServiceAddress } from "./broker/services.ts";
export { currentKey, requireKey, type RunContext } from "./context.ts";

export { consoleSink } from "./audit/console-sink.ts";
export { fileSink } from "./audit/file-sink.ts";
export type { FileSinkOptions } from "./audit/rotation.ts";
export { jsonSink } from "./audit/json-sink.ts";
export { type MemorySink, memorySink } from "./audit/memory-sink.ts";
export type { LogFilter, Sink, SinkInput } from "./audit/sink.ts";
export {
  type AuditEvent,
  auditEvent,
  auditEventJsonSchema,
  type AuditEventOf,
  type AuditEventType,
  type Outcome,
  type ToolRef,
} from "./audit/event.ts";

export type { SecretInput, SecretSource, SecretValue } from "./secret-source.ts";
export { AgentKeyError, type AgentKeyErrorCode, agentKeyErrorCodes } from "./errors.ts";
export type { Constraint, Scalar } from "./constraint.ts";
export type { Duration } from "./duration.ts";
export { type Grant, isNarrower, meet } from "./grant.ts";
export type { GrantInput } from "./mint.ts";
export type { AgentPolicy, Policy } from "./policy.ts";
export type { PolicyRule, Rate, RatePeriod } from "./rate.ts";
export { checkRequest, type KeyRequest, type RequestDecision } from "./request.ts";
export type { Revocation, RevocationSelector } from "./revocation.ts";
export { scopeSegment } from "./scope.ts";

export { memoryStore } from "./store/memory-store.ts";
export {
  type Charge,
  chargeId,
  type IntentCharge,
  isReserved,
  type KeyState,
  type KeyView,
  type Reservation,
  type ReserveRefusal,
  type Store,
  type TooMany,
  type UseCounter,
  type UsesCharge,
  type WindowCharge,
} from "./store/store.ts";
export type { KeyFacts } from "./revocation.ts";

export type { PublicJwk, SigningKeyInput } from "./token/signing-key.ts";
export type { Admission, VerifiedKey } from "./token/verified-key.ts";
export { verifyKey, type VerifyKeyOptions } from "./token/verify-key.ts";
