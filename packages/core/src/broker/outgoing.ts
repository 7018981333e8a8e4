/** A request that somebody asked for, as it is sent to one host after another. */
export interface Outgoing {
  readonly url: URL;
  readonly method: string;
  /** The caller's own. */
  readonly headers: Headers;
  readonly body: NonNullable<RequestInit["body"]> | null;
  /** The caller's own, so that it also ends a response that is still being read. */
  readonly signal: AbortSignal | null;
  readonly redirect: Request["redirect"];
  /** Whatever else the platform takes. Only for hosts that get no key. */
  readonly rest: RequestInit;
}

/**
 * What a call of `fetch` asks for. A user name and password in the URL are dropped.
 *
 * @throws TypeError for what `fetch` would refuse.
 */
export function outgoing(
  input: string | URL | Request,
  { body = null, signal, ...rest }: RequestInit = {},
): Outgoing {
  const given = input instanceof Request ? input : plainUrl(input);
  // Without a body of its own it takes over, and marks as used, that of a request that was given.
  const request = new Request(given, rest);
  const own = input instanceof Request ? input.signal : null;
  // Or it would look like a broker that cannot be reached.
  if (body !== null && (request.method === "GET" || request.method === "HEAD")) {
    throw new TypeError("Request with GET/HEAD method cannot have body.");
  }
  return {
    url: new URL(request.url),
    method: request.method,
    headers: request.headers,
    body: body ?? request.body,
    signal: signal === undefined ? own : signal,
    redirect: request.redirect,
    rest,
  };
}

function plainUrl(input: string | URL): string | URL {
  const url = URL.parse(String(input));
  return url === null ? input : withoutUserInfo(url);
}

/** The platform would refuse it with the password in its message. */
export function withoutUserInfo(url: URL): URL {
  const plain = new URL(url);
  plain.username = "";
  plain.password = "";
  return plain;
}

/** What is sent after a redirect, as the Fetch standard has it (§4.4, HTTP-redirect fetch). */
export function redirected(from: Outgoing, status: number, url: URL): Outgoing {
  const toGet =
    status === 303
      ? from.method !== "GET" && from.method !== "HEAD"
      : (status === 301 || status === 302) && from.method === "POST";
  if (!toGet) {
    if (from.body instanceof ReadableStream) throw failed("a stream cannot be sent twice");
    return { ...from, url };
  }
  const headers = new Headers(from.headers);
  for (const name of from.headers.keys()) if (name.startsWith("content-")) headers.delete(name);
  return { ...from, url, method: "GET", headers, body: null };
}

/** How `fetch` itself fails. */
export function failed(reason: string): TypeError {
  return new TypeError("fetch failed", { cause: new Error(reason) });
}
