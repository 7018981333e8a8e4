import * as z from "zod";
import { type Constraint } from "../constraint.ts";
import { type AgentKeyErrorCode, agentKeyErrorCodes } from "../errors.ts";
import { constraintSchema, plainRecord } from "../grant-schema.ts";
import { type RevocationSelector, selectorSchema } from "../revocation.ts";

/** The version of the event schema. It is closed, so any change to it is a new version. */
export const AUDIT_VERSION = 1;

/** How a key's call ended. */
export type Outcome = "ok" | "error" | "interrupted" | "cancelled" | "expired";

/** Every outcome, in the order a summary shows them. */
export const outcomes: readonly Outcome[] = ["ok", "error", "interrupted", "cancelled", "expired"];

/** A constraint as it is recorded: as it is, or digested where `redact` names it. */
export type RecordedConstraint = Constraint | { readonly redacted: string };

/** A grant as it is recorded: authority, so the constraint values are on the record. */
export interface RecordedGrant {
  readonly scope: string;
  readonly where?: Readonly<Record<string, RecordedConstraint>> | undefined;
  readonly only?: boolean | undefined;
  readonly uses?: number | undefined;
  readonly expiresIn?: number | string | undefined;
}

/** Which tool call a key is for. */
export interface ToolRef {
  readonly name: string;
  /** The framework's id of the call, as the model gave it. */
  readonly callId?: string | undefined;
  /** `"ai-sdk"`, `"langchain"`, … */
  readonly framework: string;
}

/** What stands on every line; added when a sink's chain takes the event. */
export interface Sealed {
  readonly v: typeof AUDIT_VERSION;
  /** Who writes this chain: one sink of one process. */
  readonly writer: string;
  /** Counts the writer's lines from 0, without a gap. */
  readonly seq: number;
  /** ISO 8601, UTC, milliseconds. */
  readonly time: string;
  /** The event's id, the same in every sink. */
  readonly id: string;
  /** The writer's previous `hash`; 64 zeros in its first line. */
  readonly prev: string;
  /** SHA-256, hex, of the line's raw bytes before `,"hash":`. */
  readonly hash: string;
}

/** Whom and what a key event is about. */
export interface KeyRecord {
  readonly iss: string;
  readonly agent: string;
  readonly user?: string | undefined;
  readonly txn?: string | undefined;
  readonly tool?: ToolRef | undefined;
  readonly parentId?: string | undefined;
  readonly scopes: readonly string[];
  readonly grants: readonly RecordedGrant[];
  /** HMAC-SHA-256 under `auditKey` over the tool's name and the input's canonical JSON (RFC 8785). */
  readonly argsDigest?: string | undefined;
}

/** A request that a broker, or an API that accepts keys, was asked for. */
export interface RequestRecord extends KeyRecord {
  readonly keyId: string;
  readonly service: string;
  readonly method: string;
  /** The route's pattern, never the path that was asked for. */
  readonly route: string;
}

/** Full segments that are removed because there are more than `keep`. */
export interface RemovedSegments {
  readonly segments: readonly string[];
  /** When the last of them was begun: what was begun until then may be gone. */
  readonly begunUntil: string;
}

/** The facts of an event, before a sink's chain seals it. */
export type AuditFact =
  | (KeyRecord & {
      readonly type: "key.minted";
      readonly keyId: string;
      readonly kid: string;
      readonly expiresAt: string;
    })
  | (KeyRecord & {
      readonly type: "key.denied";
      readonly code: AgentKeyErrorCode;
      /** The id of a mint that some sinks recorded and another could not, so that it never was. */
      readonly keyId?: string | undefined;
    })
  | (KeyRecord & {
      readonly type: "key.closed";
      readonly keyId: string;
      readonly outcome: Outcome;
      readonly durationMs: number;
    })
  | {
      readonly type: "key.revoked" | "key.restored";
      /** Absent: the keys of every issuer, by whoever runs the store. */
      readonly iss?: string | undefined;
      readonly selector: RevocationSelector;
      readonly reason?: string | undefined;
      readonly by: string;
    }
  | (RequestRecord & { readonly type: "request.allowed" })
  | (RequestRecord & {
      readonly type: "request.completed";
      readonly status: number;
      readonly bytes: number;
      readonly durationMs: number;
    })
  | (Partial<RequestRecord> & {
      readonly type: "request.refused";
      readonly code: AgentKeyErrorCode;
      /** Which check refused. */
      readonly check: string;
      /** Of refusals that are counted and not written one by one: how many since the last line. */
      readonly count?: number | undefined;
    })
  | { readonly type: "audit.opened"; readonly pid: number }
  | {
      readonly type: "audit.rotated";
      /** What the file that the writer left is called now; else, what it was called. */
      readonly from: string;
      /** When that file was begun. */
      readonly begun?: string | undefined;
      /** It was deleted, with what the writer had put into it. */
      readonly deleted?: boolean | undefined;
      /** Older segments that are deleted now, as `keep` says. */
      readonly removed?: RemovedSegments | undefined;
    }
  | { readonly type: "audit.repaired"; readonly atByte: number }
  | (KeyRecord & {
      readonly type: "approval.requested" | "approval.granted" | "approval.refused";
      readonly by?: string | undefined;
    });

/** One line of the record. */
export type AuditEvent = Sealed & AuditFact;

/** Any event's type. */
export type AuditEventType = AuditEvent["type"];

/** An event of one type, or of some. */
export type AuditEventOf<T extends AuditEventType> = OfType<AuditEvent, T>;

/** `Extract` would find nothing where one shape stands for several types. */
type OfType<E, T> = E extends { readonly type: infer U }
  ? [U & T] extends [never]
    ? never
    : E & { readonly type: U & T }
  : never;

const text = z.string().max(1024);
const hash = z.string().regex(/^[0-9a-f]{64}$/);
const instant = z.iso.datetime({ precision: 3 });
const count = z.int().nonnegative();
const code = z.enum(agentKeyErrorCodes as [AgentKeyErrorCode, ...AgentKeyErrorCode[]]);

const sealed = {
  v: z.literal(AUDIT_VERSION),
  writer: text,
  seq: count,
  time: instant,
  id: text,
  prev: hash,
  hash,
};

const recordedConstraint = z.union([constraintSchema, z.strictObject({ redacted: text })]);

const keyRecord = {
  iss: text,
  agent: text,
  user: text.optional(),
  txn: text.optional(),
  tool: z.strictObject({ name: text, callId: text.optional(), framework: text }).optional(),
  parentId: text.optional(),
  scopes: z.array(text),
  grants: z.array(
    z.strictObject({
      scope: text,
      where: plainRecord(z.record(z.string(), recordedConstraint)).optional(),
      only: z.boolean().optional(),
      uses: count.optional(),
      expiresIn: z.union([z.number(), text]).optional(),
    }),
  ),
  argsDigest: text.optional(),
};

const requestRecord = { ...keyRecord, keyId: text, service: text, method: text, route: text };
const optionalRequest = z.strictObject(requestRecord).partial().shape;

/** Every event, as a zod schema: a discriminated union on `type`. */
export const auditEvent: z.ZodType<AuditEvent> = z.discriminatedUnion("type", [
  z.strictObject({
    ...sealed,
    type: z.literal("key.minted"),
    ...keyRecord,
    keyId: text,
    kid: text,
    expiresAt: instant,
  }),
  z.strictObject({
    ...sealed,
    type: z.literal("key.denied"),
    ...keyRecord,
    code,
    keyId: text.optional(),
  }),
  z.strictObject({
    ...sealed,
    type: z.literal("key.closed"),
    ...keyRecord,
    keyId: text,
    outcome: z.enum(outcomes as [Outcome, ...Outcome[]]),
    durationMs: z.number().nonnegative(),
  }),
  z.strictObject({
    ...sealed,
    type: z.enum(["key.revoked", "key.restored"]),
    iss: text.optional(),
    selector: selectorSchema,
    reason: text.optional(),
    by: text,
  }),
  z.strictObject({ ...sealed, type: z.literal("request.allowed"), ...requestRecord }),
  z.strictObject({
    ...sealed,
    type: z.literal("request.completed"),
    ...requestRecord,
    status: count,
    bytes: count,
    durationMs: z.number().nonnegative(),
  }),
  z.strictObject({
    ...sealed,
    type: z.literal("request.refused"),
    ...optionalRequest,
    code,
    check: text,
    count: z.int().positive().optional(),
  }),
  z.strictObject({ ...sealed, type: z.literal("audit.opened"), pid: count }),
  z.strictObject({
    ...sealed,
    type: z.literal("audit.rotated"),
    from: text,
    begun: instant.optional(),
    deleted: z.boolean().optional(),
    removed: z.strictObject({ segments: z.array(text), begunUntil: instant }).optional(),
  }),
  z.strictObject({ ...sealed, type: z.literal("audit.repaired"), atByte: count }),
  z.strictObject({
    ...sealed,
    type: z.enum(["approval.requested", "approval.granted", "approval.refused"]),
    ...keyRecord,
    by: text.optional(),
  }),
]) as unknown as z.ZodType<AuditEvent>;

/** The same schema as JSON Schema (draft 2020-12), for readers in other languages. */
export function auditEventJsonSchema(): Record<string, unknown> {
  // Of what is checked before zod looks, such as `where`, only the output says what it is.
  return z.toJSONSchema(auditEvent, { io: "output", unrepresentable: "any" });
}
