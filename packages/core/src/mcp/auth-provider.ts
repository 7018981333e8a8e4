import type { AgentKeys } from "../agent-keys.ts";
import { currentKey } from "../context.ts";
import { AgentKeyError } from "../errors.ts";
import { internalsOf } from "../internals.ts";
import { type GrantInput, parseGrants } from "../mint.ts";
import { sessionKey } from "./session-key.ts";
import { usableToken } from "./usable-key.ts";

/** What {@link agentKeysAuthProvider} takes. */
export interface AgentKeysAuthProviderOptions {
  /**
   * Who mints the session key. A running key goes to the server only if these keys minted it, or a
   * `for()` of them: one for another audience is refused (`no_key`).
   */
  readonly keys: AgentKeys;
  /**
   * What a request outside any call may do: `initialize`, `tools/list`, notifications, the stream of
   * server messages. It gets a key of its own, which belongs to no tool, user or run but those of
   * `keys` itself, and is reused while it has two seconds left (half its life, when that is less).
   * Default: none, and such a request is refused (`no_key`).
   */
  readonly sessionScope?: GrantInput | undefined;
}

/**
 * An `OAuthClientProvider`, as the MCP SDK's and the AI SDK's MCP clients take it. It has no OAuth flow:
 * what would start one refuses.
 */
export interface AgentKeysAuthProvider extends Disposable {
  /**
   * The bearer of the next request: the running call's key, else the session's.
   *
   * @throws AgentKeyError `no_key` outside any call without `sessionScope`, or under a key that other
   * keys minted; `key_closed`, `key_expired` or `key_revoked` when the call's key has ended, or
   * `key_closed` after the provider was disposed of; and what refuses the session key's mint.
   */
  tokens(): { access_token: string; token_type: "Bearer" };
  /** Never redirected to. */
  readonly redirectUrl: string;
  /** Never registered. */
  readonly clientMetadata: { client_name: string; redirect_uris: string[] };
  /** Each of these refuses, with what {@link agentKeysAuthProvider} says of a 401. */
  discoveryState(): never;
  validateResourceURL(): never;
  clientInformation(): never;
  saveTokens(): never;
  redirectToAuthorization(): never;
  saveCodeVerifier(): never;
  codeVerifier(): never;
}

/**
 * Makes every request of an MCP client carry an agent key: a tool call the key it runs under, over one
 * session, and everything else the session's. For the SDK's transports, `MultiServerMCPClient` of
 * `@langchain/mcp-adapters`, and `createMCPClient` of `@ai-sdk/mcp`.
 *
 * When the server answers 401, or 403 with `insufficient_scope`, the client would start an OAuth flow.
 * It gets one `AgentKeyError` instead: `key_expired`, `key_closed` or `key_revoked` where that is known
 * here, else `key_refused`.
 *
 * Connect outside of calls: a client that connects inside a wrapped tool does so under that call's key.
 *
 * @throws TypeError when an option is wrong, naming it.
 *
 * @example
 * ```ts
 * import { createMCPClient } from "@ai-sdk/mcp";
 * import { createAgentKeys, fileSink, scopeSegment } from "@agent-keys/core";
 * import { agentKeysAuthProvider } from "@agent-keys/core/mcp";
 * import { wrapTools } from "@agent-keys/ai-sdk";
 *
 * const keys = createAgentKeys({
 *   agent: "support-bot",
 *   policy: { "support-bot": { allow: [{ scope: "mcp:session" }, { scope: "tickets:*" }] } },
 *   audience: "https://tickets.example.com/mcp",
 *   audit: fileSink("audit.jsonl"),
 * });
 * using authProvider = agentKeysAuthProvider({ keys, sessionScope: "mcp:session" });
 * const client = await createMCPClient({
 *   transport: { type: "http", url: "https://tickets.example.com/mcp", authProvider },
 * });
 * const tools = wrapTools(await client.tools(), {
 *   keys,
 *   defaultScope: ({ name }) => `tickets:${scopeSegment(name)}`,
 * });
 * ```
 */
export function agentKeysAuthProvider(
  options: AgentKeysAuthProviderOptions,
): AgentKeysAuthProvider {
  const { keys, sessionScope } = readOptions(options);
  const { issuer } = internalsOf(keys);
  const session = sessionScope === undefined ? undefined : sessionKey(keys, sessionScope);

  const refuse = (): never => {
    const running = currentKey();
    if (running === undefined) session?.renew();
    else usableToken(running, issuer);
    throw new AgentKeyError("key_refused", {
      scopes: running?.scopes ?? [],
      detail: "the MCP server refused the key, and agent keys have no OAuth flow to fall back on",
    });
  };

  return Object.freeze({
    tokens() {
      const running = currentKey();
      if (running !== undefined) return bearer(usableToken(running, issuer));
      if (session !== undefined) return bearer(session.token());
      throw new AgentKeyError("no_key", {
        detail: "a request outside any tool call needs the sessionScope of agentKeysAuthProvider",
      });
    },
    redirectUrl: "about:blank",
    clientMetadata: { client_name: "agent-keys", redirect_uris: [] },
    // What a client asks first when a server says 401, the SDK's and the AI SDK's in this order. The
    // rest is never reached, and refuses as well.
    discoveryState: refuse,
    validateResourceURL: refuse,
    clientInformation: refuse,
    saveTokens: refuse,
    redirectToAuthorization: refuse,
    saveCodeVerifier: refuse,
    codeVerifier: refuse,
    [Symbol.dispose]: () => session?.close(),
  });
}

function bearer(token: string): { access_token: string; token_type: "Bearer" } {
  return { access_token: token, token_type: "Bearer" };
}

const KNOWN: ReadonlySet<string> = new Set<keyof AgentKeysAuthProviderOptions>([
  "keys",
  "sessionScope",
]);

function readOptions(options: AgentKeysAuthProviderOptions): AgentKeysAuthProviderOptions {
  if (typeof options !== "object" || options === null) {
    throw new TypeError("agentKeysAuthProvider: options are missing");
  }
  const unknown = Object.keys(options).find((name) => !KNOWN.has(name));
  if (unknown !== undefined) throw new TypeError(`${unknown}: is not an option`);
  if (options.sessionScope === undefined) return options;
  try {
    parseGrants(options.sessionScope);
  } catch (cause) {
    const reason =
      cause instanceof Error && cause.cause instanceof Error ? cause.cause.message : "";
    throw new TypeError(`sessionScope: ${reason}`, { cause });
  }
  return options;
}
