import type { AgentKey, SignedClaims } from "../agent-key.ts";
import { AgentKeyError } from "../errors.ts";
import type { Issuer } from "../issuer.ts";
import { requireLive } from "../store/store.ts";
import type { Claims } from "../token/claims.ts";
import type { TokenHeader } from "../token/gate.ts";
import { factsOf } from "../token/verified-key.ts";
import { isExpired } from "../token/verify.ts";

/**
 * The token of a key, if a server may still be sent it: it was minted by this issuer for this
 * audience, and nothing known here has ended it.
 *
 * @throws AgentKeyError `no_key` for a key of other keys, whose token is none of this server's
 * business; `key_closed`, `key_expired`, `key_revoked` or `store_unavailable`.
 */
export function usableToken(key: AgentKey, issuer: Issuer): string {
  const { token, scopes } = key;
  const { claims, kid } = read(token);
  if (claims.iss !== issuer.iss || claims.aud !== issuer.audience) {
    throw new AgentKeyError("no_key", {
      detail: "the running key was minted by other keys than this provider's, for another audience",
    });
  }
  if (key.closed) throw new AgentKeyError("key_closed", { scopes });
  if (isExpired(claims.exp, issuer.now() / 1000))
    throw new AgentKeyError("key_expired", { scopes });
  requireLive(issuer.store.keys, factsOf(claims, kid));
  return token;
}

/**
 * What a token minted in this process says. Read from its text, because the key's class may be
 * another copy of this module's, whose private members are out of reach.
 */
function read(token: string): SignedClaims {
  const [header = "", payload = ""] = token.split(".");
  const { kid } = parse(header) as TokenHeader;
  return { claims: parse(payload) as Claims, kid };
}

function parse(part: string): unknown {
  return JSON.parse(Buffer.from(part, "base64url").toString("utf8"));
}
