import { inspect } from "node:util";
import type { Outcome } from "./audit/event.ts";
import { fetchUnderKey } from "./broker/fetch-under-key.ts";
import { connectUnderKey, type KeyConnection } from "./broker/key-connection.ts";
import { baseUrlAt } from "./broker/options.ts";
import type { EgressRecord, Reach } from "./broker/reach.ts";
import type { Clock } from "./clock.ts";
import { deepFreeze } from "./deep-freeze.ts";
import { AgentKeyError } from "./errors.ts";
import type { Grant } from "./grant.ts";
import { type Claims, LEEWAY_SECONDS, scopeClaim, toGrants, userOf } from "./token/claims.ts";
import { isExpired } from "./token/verify.ts";

/** What a token says, and the id of the key that signed it. */
export interface SignedClaims {
  readonly claims: Claims;
  readonly kid: string;
}

/** How a key is used through a broker. */
interface KeyUse {
  readonly reach: Reach;
  readonly egress: EgressRecord;
}

/**
 * One minted token and its handle. It prints, inspects and serialises as
 * `AgentKey(id, scopes, expiresAt)`, never its token, and a structured clone has no token either. It is
 * frozen: what it says is what its token says.
 */
export class AgentKey implements Disposable {
  /** The token's `jti`. */
  readonly id: string;
  /** Who acts. */
  readonly agent: string;
  /** Whom the agent acts for, when it acts for somebody. */
  readonly user: string | undefined;
  /** The run. */
  readonly txn: string | undefined;
  /** The key that was running when this one was minted, or that it was delegated from. */
  readonly parentId: string | undefined;
  readonly scopes: readonly string[];
  /** A `Date` of the caller's own, each time. */
  declare readonly expiresAt: Date;
  readonly #token: string;
  readonly #grants: readonly Grant[];
  readonly #signed: SignedClaims;
  readonly #now: Clock;
  readonly #use: KeyUse | undefined;
  #close: ((outcome: Outcome) => void) | undefined;
  #timer: NodeJS.Timeout | undefined;

  /** @internal Keys are minted, not constructed. */
  constructor(
    token: string,
    signed: SignedClaims,
    parentId: string | undefined,
    now: Clock,
    close: (outcome: Outcome) => void,
    use?: KeyUse,
  ) {
    const { claims } = signed;
    this.id = claims.jti;
    this.agent = claims.act.sub;
    this.user = userOf(claims);
    this.txn = claims.txn;
    this.parentId = parentId;
    // What a delegated key is cut from, and whose constraints the grants share.
    deepFreeze(signed);
    this.#grants = deepFreeze(toGrants(claims));
    this.scopes = Object.freeze(scopeClaim(this.#grants).split(" "));
    Object.defineProperty(this, "expiresAt", EXPIRES_AT);
    this.#token = token;
    this.#signed = signed;
    this.#now = now;
    this.#close = close;
    this.#use = use;
    Object.freeze(this);
  }

  /** The compact JWS. It is a bearer token: whoever has it may use it until it closes. */
  get token(): string {
    return this.#token;
  }

  /**
   * What the key may do: one grant must allow a whole request. Not an own property, because constraint
   * values can be arguments, which a copy of the handle must not show.
   */
  get grants(): readonly Grant[] {
    return this.#grants;
  }

  /** Whether the key was closed in this process. Expiry and revocation are for a verifier to say. */
  get closed(): boolean {
    return this.#close === undefined;
  }

  /**
   * A `fetch` under this key: see `keyFetch`.
   *
   * @throws AgentKeyError (as a rejection) `no_broker`, `key_expired`, `key_closed`, `egress_denied`,
   * `broker_unavailable` or `audit_unavailable`; else as `fetch` does.
   */
  async fetch(input: string | URL | Request, init?: RequestInit): Promise<Response> {
    const use = this.#use;
    if (use === undefined) throw new AgentKeyError("no_broker");
    this.#requireUsable();
    return await this.#fetch(use, input, init, false);
  }

  /**
   * Where a client that takes no `fetch` sends what is for a service: `http://127.0.0.1:4949/github`. Give
   * it the key's token for a credential.
   *
   * @throws AgentKeyError `no_broker`, also with `services` in process, which have no address: use
   * `keyFetch`.
   * @throws TypeError when it is not a service's name, or, once the services are known, of none of them.
   */
  baseUrl(service: string): string {
    return baseUrlAt(this.#use?.reach, service);
  }

  /**
   * A role of this key's own in a database that the broker knows, with the rights that the key's grants
   * name, until the key closes: the one way by which a tool gets something to log in with. Each call
   * makes another role, and takes a use of each grant that it is made of.
   *
   * @throws AgentKeyError (as a rejection) `no_broker`, `key_expired`, `key_closed`, `broker_unavailable`, or the
   * code that the broker refused with, such as `insufficient_scope`, `policy_denied`, `limit_exceeded`,
   * `upstream_unavailable`.
   *
   * @example
   * ```ts
   * import { requireKey } from "@agent-keys/core";
   *
   * const { url } = await requireKey().connection("orders-db"); // new pg.Client(url)
   * ```
   */
  async connection(service: string): Promise<KeyConnection> {
    const use = this.#use;
    if (use === undefined) throw new AgentKeyError("no_broker");
    const key = { token: this.#token, requireUsable: () => this.#requireUsable() };
    return await connectUnderKey(key, use.reach, service);
  }

  /**
   * What the ambient `fetch` asks: `undefined` when these keys' issuer does not want it. A method, so
   * that one of another copy of this module can ask.
   *
   * @internal
   */
  fetchAmbient(input: string | URL | Request, init?: RequestInit): Promise<Response> | undefined {
    const use = this.#use;
    return use?.reach.ambient === true ? this.#fetch(use, input, init, true) : undefined;
  }

  #fetch(
    { reach, egress }: KeyUse,
    input: string | URL | Request,
    init: RequestInit | undefined,
    grantedOnly: boolean,
  ): Promise<Response> {
    const key = {
      token: this.#token,
      scopes: this.scopes,
      requireUsable: () => this.#requireUsable(),
      egress,
    };
    return fetchUnderKey(key, reach, input, init, { grantedOnly });
  }

  #requireUsable(): void {
    const { scopes } = this;
    if (isExpired(this.#signed.claims.exp, this.#now() / 1000)) {
      throw new AgentKeyError("key_expired", { scopes });
    }
    if (this.closed) throw new AgentKeyError("key_closed", { scopes });
  }

  /** Ends the key: it is refused from now on. Only the first call counts. */
  close(outcome: Outcome = "ok"): void {
    const close = this.#close;
    this.#close = undefined;
    clearTimeout(this.#timer);
    close?.(outcome);
  }

  [Symbol.dispose](): void {
    this.close();
  }

  toString(): string {
    return `AgentKey(${this.id}, ${this.scopes.join(" ")}, ${this.expiresAt.toISOString()})`;
  }

  toJSON(): string {
    return this.toString();
  }

  /**
   * Closes the key at its expiry, where nobody may close it before, without keeping the process alive
   * for that. A method, so that a wrapper with another copy of this module can ask for it.
   *
   * @internal
   */
  closeWhenExpired(): void {
    if (this.closed || this.#timer !== undefined) return;
    const wait = (): void => {
      // Asked again, because the keys' clock need not be the one that timers go by.
      this.#timer = setTimeout(
        () => (this.#leftMs() > 0 ? wait() : this.close("expired")),
        // Node warns of a negative time, which a loop that was blocked for long leaves.
        Math.max(0, this.#leftMs()),
      );
      // Timers may be numbers, as in a Worker, where none keeps anything alive.
      this.#timer.unref?.();
    };
    wait();
  }

  /** Milliseconds until no verifier takes the key any more; none with a clock that fails. */
  #leftMs(): number {
    try {
      return this.#signed.claims.exp * 1000 + LEEWAY_SECONDS * 1000 - this.#now();
    } catch {
      return 0;
    }
  }

  /** @internal What a delegated key is cut from. */
  static signedBy(key: AgentKey): SignedClaims {
    return key.#signed;
  }
}

/**
 * A frozen `Date` can still be set. An own property, so that it is listed and cloned as the rest is; the
 * same for all keys, because with a getter each they would all be of different shapes.
 */
const EXPIRES_AT: PropertyDescriptor & ThisType<AgentKey> = {
  enumerable: true,
  get() {
    return new Date(AgentKey.signedBy(this).claims.exp * 1000);
  },
};

Object.defineProperty(AgentKey.prototype, inspect.custom, {
  value(this: AgentKey): string {
    return this.toString();
  },
});
