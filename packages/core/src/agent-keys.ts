import { AgentKey } from "./agent-key.ts";
import type { AuditEvent } from "./audit/event.ts";
import { type LogFilter, requireFilter } from "./audit/sink.ts";
import { defined, inRun, type RunContext } from "./context.ts";
import type { Duration } from "./duration.ts";
import { INTERNALS, type Internals } from "./internals.ts";
import type { Issuer } from "./issuer.ts";
import { requireBoolean, requireKnown, requireRequest } from "./known-options.ts";
import { type GrantInput, mintKey } from "./mint.ts";
import {
  type AgentKeysOptions,
  openIssuer,
  requireDuration,
  requireIdentifier,
  requireNote,
} from "./options.ts";
import { type Revocation, type RevocationSelector, selectorSchema } from "./revocation.ts";
import { requireLive } from "./store/store.ts";
import type { PublicJwk, SigningKeyInput } from "./token/signing-key.ts";
import {
  type Admission,
  admit,
  factsOf,
  requireAdmission,
  type VerifiedKey,
} from "./token/verified-key.ts";
import { readToken } from "./token/verify.ts";
import { runUnderKey } from "./wrap/run-under-key.ts";

/** A narrower context for the same keys. */
export interface NarrowerContext extends RunContext {
  /** Another agent, under its own policy. */
  readonly agent?: string | undefined;
  /**
   * The key to delegate from: what is minted is never wider nor later than it, is charged to it, and
   * dies with it. It keeps the parent's user and run; a context that names others is refused.
   */
  readonly parent?: AgentKey | undefined;
}

/** What one mint may say of itself. */
export interface MintContext extends RunContext {
  /** The life of grants that name none. Default 10 seconds. */
  readonly expiresIn?: Duration | undefined;
}

/** Mints, verifies and revokes keys. Made by {@link createAgentKeys}. */
export interface AgentKeys extends AsyncDisposable {
  /** The `iss` of every token: what a broker, or an API that verifies keys, registers. */
  readonly issuer: string;
  /**
   * Mints one key. Synchronous. Close it (`using key = keys.mint(…)`) when its work is done.
   *
   * @throws AgentKeyError when refused; the refusal is on the record.
   * @throws TypeError when `expiresIn` is not a duration.
   */
  mint(grants: GrantInput, context?: MintContext): AgentKey;
  /**
   * Runs a function under a key of its own, which closes when the function's work ends. Inside,
   * `currentKey()` is that key.
   *
   * @throws AgentKeyError (as a rejection) when refused; the function never ran.
   */
  withAgentKey<T>(
    grants: GrantInput,
    fn: (token: string, key: AgentKey) => T,
    context?: MintContext,
  ): Promise<Awaited<T>>;
  /**
   * Verifies a token of this issuer, in full: signature, claims, closing, revocation; and the request,
   * where one is given.
   *
   * @throws AgentKeyError with the code of the first check that refused.
   */
  verify(token: unknown, admission?: Admission): Promise<VerifiedKey>;
  /** The public halves of the signing keys, to be served as a JWKS (RFC 7517). */
  jwks(): { keys: PublicJwk[] };
  /** A new key signs from now on; older ones verify until retired. Returns the new `kid`. */
  rotate(signingKey?: SigningKeyInput): string;
  /**
   * Takes an older signing key out: every token it signed is refused.
   *
   * @throws TypeError for the key that signs, or an unknown `kid`.
   */
  retire(kid: string): void;
  /**
   * Revokes this issuer's keys. All selectors but `id` also deny new mints, until restored. Takes
   * effect whether or not it can be put on record. Resolves when a shared store has it, and the broker,
   * where there is one.
   *
   * @throws AgentKeyError (as a rejection) `store_unavailable` when the store or the broker could not be
   * told. It stands here, and they are told as soon as they can be.
   * @throws TypeError (as a rejection; nothing is revoked then) when the selector is not exactly one of
   * the known ones, or names another issuer, or a note is longer than 1,024 characters.
   */
  revoke(selector: RevocationSelector, options?: RevokeOptions): Promise<void>;
  /**
   * Lifts what was revoked with the same selector. Says whether anything was, here.
   *
   * @throws AgentKeyError (as a rejection) `store_unavailable` when the store or the broker could not be
   * told. What was revoked stands here again, and nobody is told later: to lift it, ask again.
   */
  restore(selector: RevocationSelector, options?: RevokeOptions): Promise<boolean>;
  /** The same keys in a narrower context: shares signing keys, policy, store and audit. */
  for(context: NarrowerContext): AgentKeys;
  /**
   * Runs a function, and everything it awaits, in a context. A mint's own context and `keys.for` are
   * nearer and win; the running key's and that of the options are farther.
   */
  run<T>(context: RunContext, fn: () => T): T;
  /**
   * The newest events (1,000 by default), oldest first, from the first sink that can be read.
   *
   * @throws TypeError when `since` is not an instant or `limit` not a number.
   */
  logs(filter?: LogFilter): Promise<readonly AuditEvent[]>;
  /**
   * Resolves when every sink has what it was given, optional ones within 5 seconds, and the broker was
   * told of what has closed, or cannot be. Disposing does the same, and gives the global `fetch` back.
   *
   * @throws AgentKeyError `audit_unavailable` when a sink still cannot take what it is owed;
   * `store_unavailable` when the broker cannot be told of a revocation.
   */
  flush(): Promise<void>;
}

/** Why, and by whom, something is revoked or restored: both stand on the record. */
export interface RevokeOptions {
  readonly reason?: string | undefined;
  /** Default: the agent of these keys. */
  readonly by?: string | undefined;
}

/**
 * Creates what mints keys for an agent.
 *
 * @throws TypeError naming the option that is wrong, and for a policy the path.
 *
 * @example
 * ```ts
 * import { createAgentKeys, fileSink } from "@agent-keys/core";
 *
 * const keys = createAgentKeys({
 *   agent: "repo-bot",
 *   policy: { "repo-bot": { allow: [{ scope: "github:repos.*", where: { owner: "acme" } }] } },
 *   audit: [fileSink("audit.jsonl")],
 * });
 * await keys.withAgentKey("github:repos.read", async (token) => token.length);
 * ```
 */
export function createAgentKeys(options: AgentKeysOptions): AgentKeys {
  return keysOf(openIssuer(options), options);
}

/** The keys of an issuer that was opened with these options. */
export function keysOf(issuer: Issuer, options: AgentKeysOptions): AgentKeys {
  return bind(issuer, { agent: options.agent, run: {}, parent: undefined, narrowed: false });
}

const RUN_CONTEXT: readonly string[] = ["user", "txn"];
const MINT_CONTEXT: readonly string[] = [...RUN_CONTEXT, "expiresIn"];
const REVOKE_OPTIONS: readonly string[] = ["reason", "by"];

interface Binding {
  readonly agent: string;
  readonly run: RunContext;
  readonly parent: AgentKey | undefined;
  readonly narrowed: boolean;
}

function bind(issuer: Issuer, binding: Binding): AgentKeys {
  const internals: Internals = {
    issuer,
    agent: binding.agent,
    mint: (asking, { run = {}, ...call }) =>
      mintKey(issuer, asking, { ...binding, ...call, run: { ...binding.run, ...defined(run) } }),
  };
  const keys: AgentKeys = {
    issuer: issuer.iss,
    mint(grants, context = {}) {
      requireKnown("mint: ", context, MINT_CONTEXT);
      const { expiresIn, ...run } = context;
      requireDuration("expiresIn", expiresIn);
      const key = internals.mint(() => grants, { run, expiresIn });
      // A key that nobody closes still ends on the record.
      key.closeWhenExpired();
      return key;
    },
    async withAgentKey<T>(
      grants: GrantInput,
      fn: (token: string, key: AgentKey) => T,
      context: MintContext = {},
    ): Promise<Awaited<T>> {
      requireKnown("withAgentKey: ", context, MINT_CONTEXT);
      const { expiresIn, ...run } = context;
      if (typeof fn !== "function") throw new TypeError("withAgentKey: fn must be a function");
      requireDuration("expiresIn", expiresIn);
      const key = internals.mint(() => grants, { run, expiresIn });
      return await runUnderKey(key, () => fn(key.token, key));
    },
    async verify(token, admission = {}) {
      requireKnown("verify: ", admission, ["request", "consume"]);
      requireRequest("verify: ", admission.request);
      requireBoolean("verify: consume", admission.consume);
      requireAdmission(admission);
      const { claims, kid } = await readToken(token, {
        findKey: (header) => issuer.ring.find(header.kid)?.publicKey,
        algorithm: "Ed25519",
        issuer: issuer.iss,
        audience: issuer.audience,
        now: issuer.now,
      });
      requireLive(issuer.store.keys, factsOf(claims, kid));
      return admit(claims, admission, issuer.store.uses, issuer.policy);
    },
    jwks: () => issuer.ring.jwks(),
    rotate: (signingKey) => issuer.ring.rotate(signingKey),
    retire: (kid) => issuer.ring.retire(kid),
    async revoke(selector, options = {}) {
      requireKnown("revoke: ", options, REVOKE_OPTIONS);
      const { reason, by = binding.agent } = options;
      requireNote({ reason, by });
      const own = ownSelector(selector, issuer.iss);
      const revocation = { selector: own, iss: issuer.iss, reason, atMs: issuer.now() };
      // It stands here, whatever the store says.
      const inStore = async (): Promise<void> => issuer.store.keys.revoke(revocation);
      const stored = inStore();
      const why = reason === undefined ? {} : { reason };
      issuer.audit.outcome({ type: "key.revoked", iss: issuer.iss, selector: own, ...why, by });
      await allOf(stored, issuer.broker?.notices?.told("revoked", { selector: own, ...why, by }));
    },
    async restore(selector, options = {}) {
      requireKnown("restore: ", options, REVOKE_OPTIONS);
      const { reason, by = binding.agent } = options;
      requireNote({ reason, by });
      const own = ownSelector(selector, issuer.iss);
      const stood = issuer.broker && standingOf(issuer, own);
      const lifting = issuer.store.keys.restore(own, issuer.iss);
      const why = reason === undefined ? {} : { reason };
      const record = (lifted: number): boolean => {
        const about = { iss: issuer.iss, selector: own, ...why, by };
        if (lifted > 0) issuer.audit.outcome({ type: "key.restored", ...about });
        return lifted > 0;
      };
      // At once where it is known at once, and told before any wait: a revocation may come behind it.
      const restored = typeof lifting === "number" ? record(lifting) : lifting.then(record);
      // Also when nothing was: the broker may know of more.
      const told = issuer.broker?.notices?.told("restored", { selector: own, ...why, by });
      const [here, there] = await Promise.allSettled([restored, told]);
      if (here.status === "rejected") throw here.reason;
      if (there.status === "fulfilled") return here.value;
      // Not lifted there, so not here either. What was revoked again meanwhile stands already.
      if (stood !== undefined && here.value && standingOf(issuer, own) === undefined) {
        const again = issuer.store.keys.revoke(stood);
        const because = stood.reason === undefined ? {} : { reason: stood.reason };
        const about = { iss: issuer.iss, selector: own, ...because, by };
        issuer.audit.outcome({ type: "key.revoked", ...about });
        // A shared store that cannot be told now is told later.
        await Promise.allSettled([again]);
      }
      throw there.reason;
    },
    for: (context) => bind(issuer, narrowed(issuer, binding, context)),
    run(context, fn) {
      requireKnown("run: ", context, RUN_CONTEXT);
      return inRun(context, fn);
    },
    logs: async (filter = {}) => {
      requireKnown("logs: ", filter, ["since", "tool", "limit"]);
      requireFilter(filter);
      return issuer.audit.read(filter);
    },
    flush: () => flush(issuer),
    [Symbol.asyncDispose]: async () => {
      // A narrower context is not whose broker it is.
      if (!binding.narrowed) await issuer.broker?.close();
      await flush(issuer);
    },
  };
  Object.defineProperty(keys, INTERNALS, { value: internals });
  return Object.freeze(keys);
}

function narrowed(issuer: Issuer, binding: Binding, context: NarrowerContext): Binding {
  requireKnown("for: ", context, [...RUN_CONTEXT, "agent", "parent"]);
  const { agent = binding.agent, parent = binding.parent } = context;
  requireIdentifier("agent", agent);
  if (parent !== undefined && !(parent instanceof AgentKey)) {
    throw new TypeError("parent: must be an AgentKey");
  }
  if (parent !== undefined) {
    const { iss, aud } = AgentKey.signedBy(parent).claims;
    if (iss !== issuer.iss || aud !== issuer.audience) {
      throw new TypeError("parent: was minted by another issuer, or for another audience");
    }
  }
  return { agent, parent, narrowed: true, run: { ...binding.run, ...defined(context) } };
}

/** Both, whatever one of them says: a record is not complete because a broker is down. */
async function flush({ audit, broker }: Issuer): Promise<void> {
  await allOf(audit.flush(), broker?.notices?.flush());
}

/** Resolves when all have; rejects with the first failure, and then too once all have ended. */
async function allOf(...ends: readonly unknown[]): Promise<void> {
  for (const end of await Promise.allSettled(ends)) {
    if (end.status === "rejected") throw end.reason;
  }
}

/** What stands here, by this issuer and with this selector; nothing, where that is not known now. */
function standingOf({ store, iss }: Issuer, selector: RevocationSelector): Revocation | undefined {
  const name = JSON.stringify(selector);
  const isIt = (one: Revocation): boolean =>
    one.iss === iss && JSON.stringify(one.selector) === name;
  try {
    return store.keys.revocations().find(isIt);
  } catch {
    return undefined;
  }
}

/** An issuer revokes its own keys; another's, or everybody's, is for the store's operator. */
function ownSelector(selector: RevocationSelector, iss: string): RevocationSelector {
  const parsed = selectorSchema.safeParse(selector);
  if (!parsed.success) {
    throw new TypeError("selector: one of id, agent, user, txn, scope, issuer, kid, all: true");
  }
  if ("issuer" in parsed.data && parsed.data.issuer !== iss) {
    throw new TypeError("selector: an issuer revokes its own keys only");
  }
  return parsed.data;
}
