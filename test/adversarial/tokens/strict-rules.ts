import { grantFault, isIdentifier, isObject, type Json, membersFault } from "./strict-grants.ts";

/** What a verifier knows of itself and of its one issuer. */
export interface VerifierFacts {
  readonly kids: readonly string[];
  readonly issuer: string;
  readonly audience: string;
  readonly nowSeconds: number;
}

/**
 * Why the design refuses a token that a JWT library, with the algorithm pinned, accepts; `undefined`
 * when nothing speaks against it. A second reading of the design's page on tokens, in one rule after
 * another, of which the first names the reason. The signature is the library's business.
 */
export function strictReason(token: string, facts: VerifierFacts): string | undefined {
  if (token.length > 16_384) return "gate: longer than 16,384 characters";
  const parts = token.split(".");
  if (parts.length !== 3) return "gate: not three parts";
  const [header = "", payload = "", signature = ""] = parts;
  if (parts.some((part) => !isCanonical(part))) return "gate: not canonical base64url";
  if (signature.length !== 86) return "gate: not a signature of 64 bytes";
  return headerFault(decode(header), facts) ?? payloadFault(bytesOf(payload), facts);
}

/** One of the six orders in which `alg`, `typ` and a known `kid` can be written without a space. */
function headerFault(text: string, { kids }: VerifierFacts): string | undefined {
  const members = (kid: string) => ['"alg":"Ed25519"', '"typ":"agent-key+jwt"', `"kid":"${kid}"`];
  const known = kids.flatMap((kid) => orders(members(kid)).map((order) => `{${order.join(",")}}`));
  if (known.includes(text)) return undefined;
  if (!text.includes('"typ":"agent-key+jwt"')) return "gate: another typ";
  if (!kids.some((kid) => text.includes(`"kid":"${kid}"`))) return "gate: no known kid";
  return "gate: the header is not exactly alg, typ and kid";
}

function orders(list: readonly string[]): string[][] {
  if (list.length === 0) return [[]];
  return list.flatMap((one) =>
    orders(list.filter((other) => other !== one)).map((rest) => [one, ...rest]),
  );
}

function payloadFault(bytes: Buffer, facts: VerifierFacts): string | undefined {
  // Only what is UTF-8 comes out of decoding as it went in.
  if (!Buffer.from(bytes.toString("utf8")).equals(bytes)) return "claims: not UTF-8";
  let claims: unknown;
  try {
    // A mark in front says nothing, and a decoder drops it.
    claims = JSON.parse(bytes.toString("utf8").replace(/^\ufeff/, ""));
  } catch {
    return "claims: not JSON";
  }
  if (!isObject(claims)) return "claims: not an object";
  return claimsFault(claims, facts) ?? timeFault(claims, facts);
}

const REQUIRED = "v iss aud sub act iat nbf exp jti scope authorization_details".split(" ");
const OPTIONAL = ["txn", "call", "parent"];

function claimsFault(claims: Json, { issuer, audience, kids }: VerifierFacts): string | undefined {
  const members = membersFault(claims, REQUIRED, OPTIONAL);
  if (members !== undefined) return `claims: ${members}`;
  if (claims["v"] !== 1) return "claims: another version";
  if (claims["iss"] !== issuer) return "claims: another issuer";
  if (claims["aud"] !== audience) return "claims: another audience, or a list";
  const names = ["sub", ...["txn", "call"].filter((name) => Object.hasOwn(claims, name))];
  const wrong = names.find((name) => !isIdentifier(claims[name]));
  if (wrong !== undefined) return `claims: ${wrong} is no name`;
  const jti = claims["jti"];
  if (typeof jti !== "string" || jti.length < 16 || jti.length > 64) return "claims: jti";
  if (!isActor(claims["act"], 8)) return "claims: act";
  return grantsFault(claims) ?? parentsFault(claims, kids);
}

function grantsFault(claims: Json): string | undefined {
  const details = claims["authorization_details"];
  if (!Array.isArray(details) || details.length === 0 || details.length > 50) {
    return "claims: authorization_details is no list of grants";
  }
  for (const detail of details) {
    const fault = grantFault(detail);
    if (fault !== undefined) return `claims: ${fault}`;
  }
  if (!details.every(hasCounter)) return "claims: a counter";
  const scopes = details.map((detail: { actions: string[] }) => detail.actions[0]);
  const listed = [...new Set(scopes)].join(" ");
  return claims["scope"] === listed ? undefined : "claims: scope disagrees with the grants";
}

/** A counter is the index of an earlier limited grant that counts for itself. */
function hasCounter(detail: Json, index: number, details: readonly Json[]): boolean {
  if (!Object.hasOwn(detail, "counter")) return true;
  const first = details.slice(0, index)[detail["counter"] as number];
  if (first === undefined || !Number.isSafeInteger(detail["counter"])) return false;
  return !Object.hasOwn(first, "counter") && [first, detail].every((one) => "uses" in one);
}

function isActor(actor: unknown, delegations: number): boolean {
  if (!isObject(actor) || membersFault(actor, ["sub"], ["act"]) !== undefined) return false;
  if (!isIdentifier(actor["sub"])) return false;
  return (
    !Object.hasOwn(actor, "act") || (delegations > 0 && isActor(actor["act"], delegations - 1))
  );
}

/** "`parent` (iss, jti, grant index)", and what revocation and uses need to know of it. */
function parentsFault(claims: Json, kids: readonly string[]): string | undefined {
  const count = (claims["authorization_details"] as unknown[]).length;
  let depth = 0;
  for (let at: Json = claims; Object.hasOwn(at, "parent"); at = at["parent"] as Json, depth += 1) {
    const parent = at["parent"];
    if (depth === 8 || !isObject(parent)) return "claims: parent";
    const members = ["iss", "jti", "kid", "scope", "iat", "exp", "grants", "uses"];
    if (membersFault(parent, members, ["parent"])) {
      return "claims: parent has other members";
    }
    const { iss, jti, kid, scope, iat, exp, grants, uses } = parent;
    if (iss !== claims["iss"]) return "claims: a parent of another issuer";
    if (typeof jti !== "string" || jti === "" || jti.length > 64) return "claims: a parent's jti";
    if (typeof kid !== "string" || !kids.includes(kid)) return "claims: a parent's kid";
    if (typeof scope !== "string") return "claims: a parent's scope";
    const dates = [iat, exp] as readonly number[];
    if (!dates.every((date) => Number.isFinite(date) && date >= 0))
      return "claims: a parent's life";
    const [from = 0, until = 0] = dates;
    const child = at as { iat: number; exp: number };
    if (from > child.iat || until < child.exp || until - from > 900) {
      return "claims: a parent's life";
    }
    const isIndex = (one: unknown): boolean => Number.isSafeInteger(one) && (one as number) >= 0;
    const isLimit = (one: unknown): boolean => one === null || (isIndex(one) && one !== 0);
    const fits = (list: unknown, each: (one: unknown) => boolean): boolean =>
      Array.isArray(list) && list.length === count && list.every(each);
    if (!fits(grants, isIndex) || !fits(uses, isLimit)) return "claims: a parent's grants";
  }
  return undefined;
}

/** "Missing `exp`, life over the cap"; "leeway 2 s". */
function timeFault(claims: Json, { nowSeconds }: VerifierFacts): string | undefined {
  const { iat, nbf, exp } = claims as { iat: number; nbf: number; exp: number };
  if (![iat, nbf, exp].every((time) => Number.isFinite(time) && time >= 0)) return "time: no time";
  if (exp - Math.min(iat, nbf) > 900) return "time: lives longer than 15 minutes";
  if (Math.max(iat, nbf) > nowSeconds + 2) return "time: not valid yet";
  return exp + 2 <= nowSeconds ? EXPIRED : undefined;
}

/** The one reason that has a code of its own. */
export const EXPIRED = "time: expired";

const ALPHABET = "ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789-_";

/** Only the alphabet, a length that bytes can have, and no bit set that stands for nothing. */
function isCanonical(part: string): boolean {
  const digits = Array.from(part, (character) => ALPHABET.indexOf(character));
  if (digits.length === 0 || digits.includes(-1)) return false;
  const last = digits.at(-1) ?? 0;
  const spare = digits.length % 4;
  return spare !== 1 && (spare !== 2 || last % 16 === 0) && (spare !== 3 || last % 4 === 0);
}

function bytesOf(part: string): Buffer {
  return Buffer.from(part, "base64url");
}

function decode(part: string): string {
  return bytesOf(part).toString("latin1");
}
