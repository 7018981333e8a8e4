import type { JSONWebKeySet, JWSHeaderParameters } from "jose";
import { createLocalJWKSet } from "jose/jwks/local";
import { createRemoteJWKSet, customFetch } from "jose/jwks/remote";
import { JWKSNoMatchingKey } from "jose/errors";
import { AgentKeyError } from "../errors.ts";
import { isSecure } from "../secure-url.ts";
import { boundedFetch } from "./bounded-fetch.ts";
import type { FindKey } from "./verify.ts";

type JwksResolver = (header: JWSHeaderParameters) => ReturnType<LocalResolver>;
type LocalResolver = ReturnType<typeof createLocalJWKSet>;

/** One resolver a URL, because it holds the fetched keys and their age. */
const remotes = new Map<string, JwksResolver>();

/**
 * Finds an issuer's public keys by `kid`, in a JWKS or behind its URL.
 *
 * @param option - What the errors call it: `verifyKey: jwks`.
 * @throws TypeError when it is neither. The finder rejects with `issuer_unavailable`.
 */
export function jwksKeys(jwks: JSONWebKeySet | URL | string, option: string): FindKey {
  const resolve = resolverFor(jwks, option);
  return async (header) => {
    try {
      return await resolve({ ...header });
    } catch (error) {
      if (error instanceof JWKSNoMatchingKey) return undefined;
      throw new AgentKeyError("issuer_unavailable", { cause: error });
    }
  };
}

function resolverFor(jwks: JSONWebKeySet | URL | string, option: string): JwksResolver {
  if (typeof jwks === "string" || jwks instanceof URL) {
    return remoteResolver(checkedUrl(jwks, option));
  }
  try {
    // Never remembered: a caller may take a key out of the set it holds.
    return createLocalJWKSet(jwks);
  } catch {
    throw wrong(option, "must be a JWKS or the URL of one");
  }
}

function remoteResolver(url: URL): JwksResolver {
  const known = remotes.get(url.href);
  if (known !== undefined) return known;
  const resolver = patientResolver(url);
  remotes.set(url.href, resolver);
  return resolver;
}

/** Between two times that the set is fetched, whatever it is asked for. */
const FETCH_MS = 1_000;
/** Until a name that is not in it is worth another try. */
const UNKNOWN_MS = 30_000;
const MOST_UNKNOWN = 1_000;
const KID_MAX_LENGTH = 256;

/**
 * Each name that is not in the set waits by itself: whoever makes up names must not keep a key unknown that
 * was rotated in.
 */
function patientResolver(url: URL): JwksResolver {
  const remote = createRemoteJWKSet(url, {
    [customFetch]: boundedFetch,
    cooldownDuration: FETCH_MS,
  });
  const unknown = new Map<string, number>();
  const isKnown = (kid: string): boolean =>
    remote.jwks()?.keys.some((key) => key.kid === kid) ?? false;
  const remember = (kid: string): void => {
    if (kid.length > KID_MAX_LENGTH) return;
    const [oldest] = unknown.keys();
    if (unknown.size >= MOST_UNKNOWN && oldest !== undefined) unknown.delete(oldest);
    unknown.set(kid, Date.now() + UNKNOWN_MS);
  };
  return async (header) => {
    const { kid = "" } = header;
    const waits = (unknown.get(kid) ?? 0) > Date.now();
    if (waits && remote.fresh && !isKnown(kid)) throw new JWKSNoMatchingKey();
    unknown.delete(kid);
    // Then it is not fetched, and the name may well be in it.
    const unasked = remote.coolingDown;
    try {
      return await remote(header);
    } catch (error) {
      if (error instanceof JWKSNoMatchingKey && !unasked) remember(kid);
      throw error;
    }
  };
}

function checkedUrl(text: string | URL, option: string): URL {
  const url = URL.parse(String(text));
  if (url === null || !isSecure(url)) {
    throw wrong(option, "must be an https URL (http only on loopback)");
  }
  // `fetch` would refuse it later, with the password in its message.
  if (url.username !== "" || url.password !== "") {
    throw wrong(option, "must not hold a user name or password");
  }
  return url;
}

function wrong(option: string, what: string): TypeError {
  return new TypeError(`${option} ${what}`);
}
