import { claimedIssuer } from "../enforce/claimed-issuer.ts";
import { type AgentKeyErrorCode, agentKeyErrorCodes } from "../errors.ts";

/** By which headers a broker says why it refused, and what it is called. */
const CODE_HEADER = "agent-keys-code";
const AUDIENCE_HEADER = "agent-keys-audience";

/** The code that a broker refused with, if it was a broker that refused. */
export function codeIn(response: Response): AgentKeyErrorCode | undefined {
  const stated = response.headers.get(CODE_HEADER);
  return agentKeyErrorCodes.find((known) => known === stated);
}

/**
 * What a developer is told of a broker's refusal of a token or a notice. Which check it was, brokers put
 * on their own record: they tell nobody whose signature they have not verified.
 */
export function explainRefusal(response: Response, broker: URL, signed: string): string {
  const code = codeIn(response);
  const said = `the broker at ${broker.origin} answered ${response.status}${code === undefined ? "" : ` ${code}`}`;
  const issuer = JSON.stringify(claimedIssuer(signed, signed.length) ?? "");
  if (code === "policy_denied") {
    return `${said}: its agents for the issuer ${issuer} do not name this one`;
  }
  if (code !== "token_invalid") return said;
  const called = originOf(response.headers.get(AUDIENCE_HEADER));
  if (called !== undefined && called !== broker.origin) {
    return `${said}: it is called ${called}, and what is sent to it is for ${broker.origin}; set AGENT_KEYS_BROKER (or broker) to ${called}, or the broker's own url`;
  }
  return `${said}: it does not know the issuer ${issuer}, or not the key that signs for it; the broker's record says which check refused`;
}

/** Somebody's text, which may be anything. */
function originOf(audience: string | null): string | undefined {
  const url = URL.parse(audience ?? "");
  return url !== null && url.href.length <= 256 ? url.origin : undefined;
}
