import type { Transform } from "node:stream";
import type { Dispatcher, Pool } from "undici";
import type { IncomingHttpHeaders } from "undici/types/header.js";
import { decodingOf } from "./decode.ts";
import type { Outgoing } from "./incoming.ts";
import type { Needles } from "./needles.ts";
import { Refused } from "./refusal.ts";
import { responseHeaders } from "./response-headers.ts";
import type { Places } from "./rewrite-links.ts";
import { type Scrubber, scrubber } from "./scrub.ts";

/** One request to an upstream, as it is to be sent. */
export interface Sending {
  readonly options: Dispatcher.DispatchOptions;
  /** What its answer is searched for. */
  readonly needles: Needles;
}

/** What an exchange is about. */
export interface ExchangeParts {
  readonly pool: Pool;
  readonly sending: Sending;
  readonly out: Outgoing;
  readonly places: Places;
  /** The request with a newer credential, when the upstream took the one in use for a wrong one. */
  readonly resend: (() => Promise<Sending | undefined>) | undefined;
}

/** How an exchange ended. */
export interface ExchangeEnd {
  /** Whether the upstream may have seen a byte. */
  readonly sent: boolean;
  /** The upstream's; 0 when it gave none. */
  readonly status: number;
  /** Of the body, as it was passed on. */
  readonly bytes: number;
  /** Absent when the whole answer was passed on. */
  readonly failure: Refused | undefined;
}

/**
 * Sends a request and streams the answer back, with backpressure both ways. An answer that breaks off
 * on one side breaks off on the other: it never ends as if it were whole.
 */
export class Exchange implements Dispatcher.DispatchHandler {
  readonly ended: Promise<ExchangeEnd>;
  readonly #parts: ExchangeParts;
  readonly #end: (end: ExchangeEnd) => void;
  #resend: ExchangeParts["resend"];
  #needles: Needles;
  #controller: Dispatcher.DispatchController | undefined;
  /** Of an answer that was dropped for a second one. */
  #dropped: Dispatcher.DispatchController | undefined;
  #decoder: Transform | undefined;
  #scrubber: Scrubber | undefined;
  #sent = false;
  #status = 0;
  #bytes = 0;
  #over = false;
  #waiting = false;

  constructor(parts: ExchangeParts) {
    this.#parts = parts;
    this.#needles = parts.sending.needles;
    this.#resend = parts.resend;
    let settle: (end: ExchangeEnd) => void = () => undefined;
    this.ended = new Promise((resolve) => {
      settle = resolve;
    });
    this.#end = settle;
    // It comes once, and taking the listener off again would cost more than to leave it.
    parts.out.on("close", () => this.cut(CLIENT_GONE));
    parts.pool.dispatch(parts.sending.options, this);
  }

  /** Breaks it off, on both sides. */
  cut(why: Refused): void {
    if (this.#over) return;
    const controller = this.#controller;
    this.#finish(why);
    controller?.abort(why);
  }

  onRequestStart(controller: Dispatcher.DispatchController): void {
    this.#controller = controller;
    // It was cut while it waited for a connection: nothing is sent.
    if (this.#over) controller.abort(CLIENT_GONE);
    else this.#sent = true;
  }

  onResponseStart(
    controller: Dispatcher.DispatchController,
    status: number,
    headers: IncomingHttpHeaders,
  ): void {
    // What is said ahead of the answer (RFC 9110 §15.2) is not one, and not passed on.
    if (status < 200) return;
    const resend = this.#resend;
    if (status === 401 && resend !== undefined) {
      this.#resend = undefined;
      controller.pause();
      void this.#sendAgain(resend, controller, headers);
      return;
    }
    this.#respond(status, headers);
  }

  onResponseData(controller: Dispatcher.DispatchController, chunk: Buffer): void {
    if (this.#over || this.#isDropped(controller)) return;
    const decoder = this.#decoder;
    if (decoder === undefined) {
      this.#pass(chunk);
    } else if (!decoder.write(chunk)) {
      controller.pause();
      decoder.once("drain", () => controller.resume());
    }
  }

  onResponseEnd(controller: Dispatcher.DispatchController): void {
    if (this.#over || this.#isDropped(controller)) return;
    if (this.#decoder === undefined) this.#complete();
    else this.#decoder.end();
  }

  onResponseError(controller: Dispatcher.DispatchController | null, error: Error): void {
    if (this.#over || this.#isDropped(controller)) return;
    this.#finish(upstreamFailure(error));
  }

  /** There is no controller where nothing was begun, whatever the types say. */
  #isDropped(controller: Dispatcher.DispatchController | null | undefined): boolean {
    return this.#dropped !== undefined && this.#dropped === controller;
  }

  /** Once, and only with a credential that is another: the first answer is dropped then. */
  async #sendAgain(
    resend: () => Promise<Sending | undefined>,
    controller: Dispatcher.DispatchController,
    headers: IncomingHttpHeaders,
  ): Promise<void> {
    const newer = await resend().catch(() => undefined);
    if (this.#over) return;
    if (newer === undefined) {
      try {
        this.#respond(401, headers);
      } catch {
        // As undici would have done, had it been the one to call.
        return this.cut(UNREADABLE);
      }
      return controller.resume();
    }
    this.#controller = undefined;
    this.#dropped = controller;
    this.#needles = newer.needles;
    controller.abort(SUPERSEDED);
    this.#parts.pool.dispatch(newer.options, this);
  }

  #respond(status: number, headers: IncomingHttpHeaders): void {
    const { out, places, sending } = this.#parts;
    const { method } = sending.options;
    const bodiless = method === "HEAD" || status === 204 || status === 304;
    const decoding = bodiless ? { kind: "none" as const } : decodingOf(headers["content-encoding"]);
    this.#status = status;
    if (decoding.kind === "unknown") return this.cut(UNREADABLE);
    if (decoding.kind === "decode") this.#decode(decoding.decoder);
    const decoded = decoding.kind === "decode" || (bodiless && "content-encoding" in headers);
    const changes = { needles: this.#needles, decoded, isEmpty: status === 204, places };
    this.#scrubber = scrubber(this.#needles);
    out.writeHead(status, responseHeaders(headers, changes));
    // What came together goes together: the first of the body is passed on before the tick is over.
    process.nextTick(() => {
      if (!this.#over && this.#bytes === 0) out.flushHeaders?.();
    });
  }

  #decode(decoder: Transform): void {
    this.#decoder = decoder;
    decoder.on("data", (chunk: Buffer) => this.#pass(chunk));
    decoder.on("end", () => this.#complete());
    decoder.on("error", () => this.cut(UNREADABLE));
  }

  #pass(chunk: Buffer): void {
    if (this.#over) return;
    const { out } = this.#parts;
    const clean = this.#scrubber?.push(chunk) ?? chunk;
    if (clean.length === 0) return;
    this.#bytes += clean.length;
    if (out.write(clean) || this.#waiting) return;
    this.#waiting = true;
    const from = this.#decoder ?? this.#controller;
    from?.pause();
    out.once("drain", () => {
      this.#waiting = false;
      from?.resume();
    });
  }

  #complete(): void {
    if (this.#over) return;
    const rest = this.#scrubber?.end();
    this.#bytes += rest?.length ?? 0;
    this.#finish(undefined);
    if (rest === undefined || rest.length === 0) this.#parts.out.end();
    else this.#parts.out.end(rest);
  }

  #finish(failure: Refused | undefined): void {
    this.#over = true;
    const { out } = this.#parts;
    if (failure !== undefined) {
      this.#decoder?.destroy();
      // Whoever began this answers the failure, where nothing was answered yet.
      if (out.headersSent) out.destroy();
    }
    this.#end({ sent: this.#sent, status: this.#status, bytes: this.#bytes, failure });
  }
}

const CLIENT_GONE = new Refused("request_invalid", "client", { detail: "the client went away" });
const UNREADABLE = new Refused("upstream_unavailable", "upstream", {
  detail: "the answer is encoded in a way that cannot be read here",
});
const SUPERSEDED = new Error("asked again with a newer credential");

/** Constant, but for the kind: an error of the connection may quote what was sent. */
function upstreamFailure(error: Error): Refused {
  if (error instanceof Refused) return error;
  const code = "code" in error ? error.code : undefined;
  if (typeof code === "string" && TIMEOUTS.has(code)) {
    return new Refused("upstream_unavailable", "upstream", { detail: "timed out", status: 504 });
  }
  const detail = error.name === "AddressRefused" ? "not at a public address" : "connection failed";
  return new Refused("upstream_unavailable", "upstream", { detail });
}

const TIMEOUTS: ReadonlySet<string> = new Set([
  "UND_ERR_HEADERS_TIMEOUT",
  "UND_ERR_BODY_TIMEOUT",
  "UND_ERR_CONNECT_TIMEOUT",
  "ETIMEDOUT",
]);
