import type { TokenCredential } from "@azure/identity";

type GetToken = TokenCredential["getToken"];

/**
 * A credential whose tokens the client of Key Vault asks for before each request, and never on its own: a
 * renewal that it begins in the background and that fails is an unhandled rejection there, which ends the
 * process. The credential remembers its tokens, so asking costs nothing. When a renewal fails, the token
 * that it was to replace is used to its end.
 */
export function steadyToken(credential: TokenCredential): TokenCredential {
  let held: { readonly key: string; readonly token: Awaited<ReturnType<GetToken>> } | undefined;
  return {
    async getToken(scopes, options = {}) {
      // One renewal serves all who wait for it, whoever of them gives up.
      const { abortSignal: _, ...shared } = options;
      const key = JSON.stringify([scopes, options.tenantId, options.claims]);
      try {
        held = { key, token: await credential.getToken(scopes, shared) };
      } catch (error) {
        const isCurrent = (held?.token?.expiresOnTimestamp ?? 0) > Date.now() + LEAST_MS;
        if (held?.key !== key || !isCurrent) throw error;
      }
      const { token } = held;
      // For the client, and only for it, this one has ended.
      return token === null ? null : { token: token.token, expiresOnTimestamp: Date.now() };
    },
  };
}

/** A token that ends sooner would do so on its way. */
const LEAST_MS = 1_000;
