import { PassThrough, Readable } from "node:stream";
import type { InProcess, InProcessHost } from "@agent-keys/core/enforce";
import { type Engine, type EngineParts, openEngine } from "../engine/engine.ts";
import type { Incoming } from "../engine/incoming.ts";
import { parseLimits } from "../engine/limits.ts";
import { requireService } from "./connect.ts";

/** The engine of a broker for keys of this very process: the same decisions, without a server. */
export function openInProcess(host: InProcessHost & Pick<EngineParts, "secrets">): InProcess {
  const { issuer: iss, audience, policy, findKey, store, audit, auditKey, redact, now } = host;
  // Its own keys, all of its agents: there is nobody to be told apart from.
  const issuer = { iss, findKey, algorithm: "Ed25519", agents: ["*"], policy } as const;
  const engine = openEngine({
    issuers: new Map([[iss, issuer]]),
    services: host.services.map(requireService),
    secrets: host.secrets,
    audience: () => audience,
    // `keyFetch` knows the services by their own addresses, so links lead there.
    publicUrl: undefined,
    store,
    audit,
    hiding: { redact, auditKey },
    limits: parseLimits(),
    now,
  });
  return {
    handle: (request) => answer(engine, request),
    close: () => engine.close(),
  };
}

function answer(engine: Engine, request: Request): Promise<Response> {
  const { signal, method } = request;
  return new Promise((resolve, reject) => {
    const out = new ResponseWriter(method, resolve);
    const abort = (): void => {
      reject(signal.reason as Error);
      out.destroy(signal.reason as Error);
    };
    // Nobody else listens when the answer's body is not read.
    out.on("error", () => undefined);
    if (signal.aborted) return abort();
    signal.addEventListener("abort", abort, { once: true });
    out.once("close", () => signal.removeEventListener("abort", abort));
    const handled = engine.handle(readRequest(request), out);
    void handled.then(() => reject(new TypeError("no answer was given")));
  });
}

function readRequest(request: Request): Incoming {
  const { method, headers, body } = request;
  const { pathname, search } = new URL(request.url);
  const slash = pathname.indexOf("/", 1);
  return {
    method,
    service: slash === -1 ? pathname.slice(1) : pathname.slice(1, slash),
    path: slash === -1 ? "/" : pathname.slice(slash),
    query: search.slice(1),
    headers: [...headers],
    body: body === null ? undefined : Readable.fromWeb(body),
    bodyBytes: undefined,
  };
}

const BODILESS: ReadonlySet<number> = new Set([204, 205, 304]);

/** Stands for a `ServerResponse`: becomes a `Response` with the head. */
class ResponseWriter extends PassThrough {
  headersSent = false;
  readonly #method: string;
  readonly #respond: (response: Response) => void;

  constructor(method: string, respond: (response: Response) => void) {
    super();
    this.#method = method;
    this.#respond = respond;
  }

  writeHead(status: number, list: string[]): void {
    const headers = new Headers();
    for (let at = 0; at + 1 < list.length; at += 2) {
      headers.append(list[at] ?? "", list[at + 1] ?? "");
    }
    this.headersSent = true;
    if (this.#method === "HEAD" || BODILESS.has(status)) {
      this.resume();
      this.#respond(new Response(null, { status, headers }));
    } else {
      const body = Readable.toWeb(this) as ReadableStream<Uint8Array<ArrayBuffer>>;
      this.#respond(new Response(body, { status, headers }));
    }
  }
}
