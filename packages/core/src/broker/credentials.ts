// What clients put a credential under. Not exact for every API, and need not be: the broker takes out
// what it knows of each service. Better a strange header lost than somebody's secret sent.
const HEADER =
  /(?:^|[-_])(?:authorization|auth|cookie2?|(?:(?:api|access|private|subscription)[-_]?)key|apikey|token|secret|password|credentials?|signature)(?:[-_]|$)|(?<!idempotency)[-_]key$/;

const QUERY: ReadonlySet<string> = new Set([
  "access_token",
  "api-key",
  "api_key",
  "apikey",
  "auth_token",
  "authorization",
  "client_secret",
  "oauth_token",
  "private_token",
  "token",
]);

/** Headers that are about the connection to another host than the one that they will go to. */
const CONNECTION: ReadonlySet<string> = new Set(["connection", "host", "keep-alive", "upgrade"]);

/** The headers of a caller without any credential of its own. */
export function withoutCredentials(headers: Headers): Headers {
  const kept = new Headers(headers);
  for (const name of headers.keys()) {
    if (HEADER.test(name) || CONNECTION.has(name)) kept.delete(name);
  }
  return kept;
}

/** Takes a caller's credentials out of a query. Every other parameter stays as it is written. */
export function withoutQueryCredentials(url: URL): URL {
  const parts = url.search.slice(1).split("&");
  const kept = parts.filter((part) => !QUERY.has(parameterName(part)));
  if (kept.length === parts.length) return url;
  const clean = new URL(url);
  clean.search = kept.join("&");
  return clean;
}

function parameterName(part: string): string {
  const [name] = new URLSearchParams(part).keys();
  return name?.toLowerCase() ?? "";
}
