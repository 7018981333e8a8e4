import { AgentKeyError } from "../errors.ts";
import { withoutCredentials, withoutQueryCredentials } from "./credentials.ts";
import { failed, type Outgoing, outgoing, redirected, withoutUserInfo } from "./outgoing.ts";
import { failureCode, ownFetch } from "./own-fetch.ts";
import type { KeyInUse, Reach } from "./reach.ts";
import { atBroker, serviceOf } from "./services.ts";

const MAX_REDIRECTS = 5;
const REDIRECTS: ReadonlySet<number> = new Set([301, 302, 303, 307, 308]);

/** Where a request goes: to the broker, under the key; or to another host, without. */
type Target =
  | { readonly kind: "broker"; readonly url: URL; readonly service: string }
  | { readonly kind: "elsewhere"; readonly url: URL };

/**
 * `fetch` under a key. What is for a service goes to the broker, with the key for a credential and none
 * of the caller's; what is for another host goes there, if egress lets it, without the key. A redirect is
 * followed under the key only where it stays with the service.
 *
 * @param options - `grantedOnly`: a service that no grant of the key is for is another host.
 */
export async function fetchUnderKey(
  key: KeyInUse,
  reach: Reach,
  input: string | URL | Request,
  init: RequestInit | undefined,
  options: { readonly grantedOnly: boolean },
): Promise<Response> {
  let request = outgoing(input, init);
  let target = await targetOf(request, key, reach, options.grantedOnly);
  for (let redirects = 0; ; redirects += 1) {
    const response = await sendTo(target, request, key, reach);
    const location = response.headers.get("location");
    if (!REDIRECTS.has(response.status) || location === null || request.redirect === "manual") {
      return response;
    }
    if (request.redirect === "error") {
      await response.body?.cancel();
      throw failed("unexpected redirect");
    }
    const stated = URL.parse(location, target.url.href);
    const url = stated && withoutUserInfo(stated);
    const next = url && (await targetOf({ ...request, url }, key, reach, false));
    // Nobody but the caller, and the service itself, says what is asked for under the key.
    if (next !== null && next.kind === "broker" && !staysWith(target, next)) return response;
    await response.body?.cancel();
    if (next === null) throw failed("invalid redirect URL");
    if (redirects === MAX_REDIRECTS) throw failed("redirect count exceeded");
    const moved = redirected(request, response.status, next.url);
    const sameHost = next.url.origin === target.url.origin;
    request = sameHost ? moved : { ...moved, headers: withoutCredentials(moved.headers) };
    target = next;
  }
}

function staysWith(from: Target, to: Target & { readonly kind: "broker" }): boolean {
  return from.kind === "broker" && from.service === to.service;
}

async function targetOf(
  { url, signal }: Pick<Outgoing, "url" | "signal">,
  key: KeyInUse,
  reach: Reach,
  grantedOnly: boolean,
): Promise<Target> {
  if (url.origin === reach.origin) {
    return { kind: "broker", url, service: url.pathname.split("/", 2)[1] ?? "" };
  }
  if (!isRemote(url)) return { kind: "elsewhere", url };
  const service = serviceOf(url, await orAborted(reach.services.ask(key.token), signal));
  if (service === undefined) return { kind: "elsewhere", url };
  const granted = key.scopes.some((scope) => scope.startsWith(`${service.name}:`));
  if (grantedOnly && !granted) return { kind: "elsewhere", url };
  return { kind: "broker", url: atBroker(url, service, reach.origin), service: service.name };
}

/** Many calls may wait for one answer; each gives up for itself. */
async function orAborted<T>(waiting: Promise<T>, signal: AbortSignal | null): Promise<T> {
  if (!signal) return await waiting;
  signal.throwIfAborted();
  let onAbort = (): void => undefined;
  const aborted = new Promise<never>((_, reject) => {
    onAbort = () => reject(signal.reason as Error);
    signal.addEventListener("abort", onAbort, { once: true });
  });
  try {
    return await Promise.race([waiting, aborted]);
  } finally {
    signal.removeEventListener("abort", onAbort);
  }
}

/** Such as `data:`, which the platform answers by itself, is on no network. */
function isRemote({ protocol }: URL): boolean {
  return protocol !== "data:" && protocol !== "blob:";
}

async function sendTo(
  target: Target,
  request: Outgoing,
  key: KeyInUse,
  reach: Reach,
): Promise<Response> {
  if (target.kind === "broker") return await sendToBroker(target.url, request, key, reach);
  if (isRemote(target.url)) requireEgress(target.url, request, key, reach);
  const { method, headers, rest } = request;
  return await ownFetch(target.url, {
    ...rest,
    ...bodyOf(request),
    ...signalOf(request),
    method,
    headers,
    redirect: "manual",
  });
}

async function sendToBroker(
  url: URL,
  request: Outgoing,
  key: KeyInUse,
  reach: Reach,
): Promise<Response> {
  // At the last moment: the key may have been closed while this call waited.
  key.requireUsable();
  const headers = withoutCredentials(request.headers);
  headers.set("authorization", `Bearer ${key.token}`);
  const { method, signal } = request;
  try {
    return await reach.send(withoutQueryCredentials(url), {
      ...bodyOf(request),
      ...signalOf(request),
      method,
      headers,
      redirect: "manual",
    });
  } catch (error) {
    if (signal?.aborted === true) throw error;
    if (error instanceof AgentKeyError) throw error;
    // Not as its cause: the platform's errors may quote what was sent.
    const detail = `the broker at ${reach.origin}: ${failureCode(error)}`;
    throw new AgentKeyError("broker_unavailable", { detail });
  }
}

/** @throws AgentKeyError `egress_denied`; nothing was sent. */
function requireEgress(url: URL, { method }: Outgoing, key: KeyInUse, { egress }: Reach): void {
  const verdict = egress(url);
  if (verdict === "denied") {
    key.egress.refused(method);
    throw new AgentKeyError("egress_denied", {
      detail: `no service is for ${url.host}, and allowHosts does not name it`,
    });
  }
  key.egress.allowed(method, verdict === "listed" ? url.host : "*");
}

function bodyOf({ body }: Outgoing): RequestInit {
  // `half` is what a body that is a stream needs, and does nothing to any other.
  return body === null ? {} : { body, duplex: "half" };
}

function signalOf({ signal }: Outgoing): RequestInit {
  return signal === null ? {} : { signal };
}
