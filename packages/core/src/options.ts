import { createSecretKey, KeyObject, randomBytes } from "node:crypto";
import type { JWK } from "jose";
import { openAuditLog } from "./audit/emitter.ts";
import type { SinkInput } from "./audit/sink.ts";
import { openConnection } from "./broker/connection.ts";
import { BROKER_OPTIONS, type BrokerOptions, planBroker } from "./broker/options.ts";
import { type Clock, systemClock } from "./clock.ts";
import { defined, type RunContext } from "./context.ts";
import { durationSeconds } from "./duration.ts";
import type { Issuer } from "./issuer.ts";
import { requireKnown } from "./known-options.ts";
import { openKeyRing } from "./key-ring.ts";
import { parsePolicy, type Policy } from "./policy.ts";
import { memoryStore } from "./store/memory-store.ts";
import { requireStore, type Store } from "./store/store.ts";
import { isIdentifier } from "./token/claims.ts";
import type { FindKey } from "./token/verify.ts";
import type { SigningKeyInput } from "./token/signing-key.ts";

/** What {@link createAgentKeys} takes. Its `user` and `txn` are for calls that nothing nearer gives one. */
export interface AgentKeysOptions extends RunContext, BrokerOptions {
  /** Who acts, unless `keys.for({ agent })` says otherwise: 1 to 256 characters. */
  readonly agent: string;
  /** The ceiling. `"allow-all"` must be written out. */
  readonly policy: Policy | "allow-all";
  /**
   * The Ed25519 key that signs: a JWK, PEM, `KeyObject`, or the path of a key file; or a list of which
   * the first signs and all verify. Default: `AGENT_KEYS_SIGNING_KEY` from the environment, else made
   * in this process.
   */
  readonly signingKey?: SigningKeyInput | readonly SigningKeyInput[] | undefined;
  /** The `iss` of every token. Default: a URN made of the first signing key's id. */
  readonly issuer?: string | undefined;
  /**
   * The `aud` of every token: the broker or API that the keys are for. Default: the issuer itself; with a
   * broker its origin, and nothing else may be named.
   */
  readonly audience?: string | undefined;
  /** Revocations, closed keys and uses. Default `memoryStore()`. */
  readonly store?: Store | undefined;
  /** Where audit events go. At least one sink; `keys.logs()` reads the first that can be read. */
  readonly audit: SinkInput | readonly SinkInput[];
  /**
   * Keys the digests of arguments and redacted values, at least 32 bytes. Give one to compare digests
   * across processes. Default: random, for this process.
   */
  readonly auditKey?: Uint8Array | KeyObject | undefined;
  /**
   * Names whose constraint values are digested on the record instead of shown. Nothing else is: `user`,
   * `txn` and a tool's name are recorded as they are.
   */
  readonly redact?: readonly string[] | undefined;
  /**
   * A constraint from policy that no argument of a wrapped call carries: `"refuse"` the call
   * (`constraint_unbound`), or leave it to the `"audience"`, which must then be a broker or an API that
   * checks keys. Default `"refuse"`, and with a broker `"audience"`.
   */
  readonly unbound?: "refuse" | "audience" | undefined;
  /** Milliseconds since the epoch. Default: the system's clock, which here never runs backwards. */
  readonly now?: Clock | undefined;
}

const KNOWN: readonly (keyof AgentKeysOptions)[] = [
  "agent",
  "policy",
  "signingKey",
  "issuer",
  "audience",
  "store",
  "audit",
  "auditKey",
  "redact",
  "unbound",
  "now",
  ...BROKER_OPTIONS,
  "user",
  "txn",
];

/**
 * Checks the options and opens what they name.
 *
 * @param brokerFrom - The environment that may name a broker.
 * @throws TypeError naming the option.
 */
export function openIssuer(
  options: AgentKeysOptions,
  brokerFrom: Readonly<Record<string, string | undefined>> = process.env,
): Issuer {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("createAgentKeys: options are missing");
  }
  requireKnown("", options, KNOWN);
  requireIdentifier("agent", options.agent);
  for (const name of ["user", "txn", "issuer", "audience"] as const) {
    if (options[name] !== undefined) requireIdentifier(name, options[name]);
  }
  if (options.policy === undefined)
    throw wrong("policy", 'is missing; "allow-all" must be written');
  const plan = planBroker(options, brokerFrom);
  const served = plan.kind !== "none";
  if (plan.kind === "broker" && ![undefined, plan.origin].includes(options.audience)) {
    const named = options.broker === undefined ? "AGENT_KEYS_BROKER" : "broker";
    const both = `is ${JSON.stringify(options.audience)}, and ${named} is ${plan.origin}`;
    throw wrong("audience", `${both}: keys for a broker are for its origin, so leave audience out`);
  }
  const { now: clock = systemClock, unbound = served ? "audience" : "refuse" } = options;
  if (typeof clock !== "function") throw wrong("now", "must be a function");
  const now = (): number => {
    const ms = clock();
    if (!Number.isFinite(ms)) throw wrong("now", "must return milliseconds since the epoch");
    return ms;
  };
  const { store = memoryStore({ now }) } = options;
  if (unbound !== "refuse" && unbound !== "audience") {
    throw wrong("unbound", 'must be "refuse" or "audience"');
  }
  if (unbound === "audience" && options.audience === undefined && !served) {
    throw wrong("unbound", 'is "audience", but no audience is set');
  }
  requireStore("store", store);
  const policy = parsePolicy(options.policy);
  const ring = openKeyRing(...signingKeys(options));
  const iss = options.issuer ?? `urn:agent-keys:${ring.current().kid}`;
  requireIdentifier("issuer", iss);
  const audience = options.audience ?? (served ? plan.origin : iss);
  const own = {
    iss,
    audience,
    policy,
    ring,
    store,
    audit: openAuditLog(sinks(options), now),
    auditKey: auditKey(options),
    redact: redacted(options),
    unbound,
    run: defined(options),
    now,
  };
  const findKey: FindKey = ({ kid }) => ring.find(kid)?.publicKey;
  return { ...own, broker: openConnection(plan, { ...own, issuer: iss, findKey }) };
}

/** The keys, and what an error calls them. */
function signingKeys({
  signingKey,
}: AgentKeysOptions): readonly [keys: readonly SigningKeyInput[], option: string] {
  if (isList(signingKey)) {
    if (signingKey.length === 0) throw wrong("signingKey", "is an empty list");
    return [signingKey, "signingKey"];
  }
  if (signingKey !== undefined) return [[signingKey], "signingKey"];
  const fromEnvironment = process.env[ENVIRONMENT] ?? "";
  return [fromEnvironment === "" ? [] : [fromEnvironment], ENVIRONMENT];
}

const ENVIRONMENT = "AGENT_KEYS_SIGNING_KEY";

function isList(
  input: AgentKeysOptions["signingKey"],
): input is readonly (string | KeyObject | JWK)[] {
  return Array.isArray(input);
}

function sinks({ audit }: AgentKeysOptions): readonly SinkInput[] {
  const list = Array.isArray(audit) ? (audit as readonly SinkInput[]) : [audit as SinkInput];
  if (audit === undefined || list.length === 0) {
    throw wrong("audit", "needs at least one sink, such as fileSink(path)");
  }
  return list;
}

function auditKey({ auditKey: key }: AgentKeysOptions): KeyObject {
  if (key instanceof KeyObject) {
    if (key.type !== "secret" || (key.symmetricKeySize ?? 0) < 32) {
      throw wrong("auditKey", "must be a secret key of at least 32 bytes");
    }
    return key;
  }
  if (key === undefined) return createSecretKey(randomBytes(32));
  if (!(key instanceof Uint8Array) || key.byteLength < 32) {
    throw wrong("auditKey", "must be at least 32 bytes");
  }
  return createSecretKey(key);
}

function redacted({ redact = [] }: AgentKeysOptions): ReadonlySet<string> {
  // A bare name would be taken for the list of its letters, and redact nothing.
  if (!Array.isArray(redact) || !redact.every((name) => typeof name === "string")) {
    throw wrong("redact", "must be a list of names");
  }
  return new Set(redact);
}

/** @throws TypeError when it is not a duration that a key may have. */
export function requireDuration(option: string, value: unknown): void {
  if (value !== undefined && durationSeconds(value) === undefined) {
    throw wrong(option, 'must be seconds, "30s" or "5m", at most 15 minutes');
  }
}

/** @throws TypeError when a note would not fit on the record. */
export function requireNote(notes: Readonly<Record<string, unknown>>): void {
  for (const [option, note] of Object.entries(notes)) {
    if (note !== undefined && (typeof note !== "string" || note.length > 1024)) {
      throw wrong(option, "must be a string of at most 1,024 characters");
    }
  }
}

/** @throws TypeError when a name is not 1 to 256 well-formed characters. */
export function requireIdentifier(option: string, value: unknown): asserts value is string {
  if (!isIdentifier(value)) {
    throw wrong(option, "must be a string of 1 to 256 characters");
  }
}

function wrong(option: string, what: string): TypeError {
  return new TypeError(`${option}: ${what}`);
}
