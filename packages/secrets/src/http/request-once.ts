import type { IncomingMessage } from "node:http";
import type { HttpRequest } from "./read-json.ts";

/** An answer, whole. */
export interface RawAnswer {
  readonly status: number;
  readonly header: (name: string) => string | undefined;
  readonly body: Uint8Array;
}

/** The largest answer. Credentials are short; this one is a mistake, or an attack. */
const MAX_BYTES = 1024 * 1024;

/** An answer that is larger than it may be. */
export class TooLarge extends Error {}

/**
 * Sends one request and takes its whole answer. By `node:http`, not by `fetch`: that follows redirects
 * unless told otherwise, and cannot be given a certificate authority.
 */
export async function requestOnce(
  { url, method = "GET", headers = {}, body, ca }: HttpRequest,
  signal: AbortSignal,
): Promise<RawAnswer> {
  const isTls = url.protocol === "https:";
  const { request } = isTls ? await import("node:https") : await import("node:http");
  const payload = body === undefined ? undefined : JSON.stringify(body);
  const { promise, resolve, reject } = Promise.withResolvers<IncomingMessage>();
  const sent = request(url, {
    method,
    signal,
    ...(isTls && ca !== undefined ? { ca } : {}),
    headers: {
      accept: "application/json",
      ...headers,
      ...(payload === undefined
        ? {}
        : { "content-type": "application/json", "content-length": Buffer.byteLength(payload) }),
    },
  });
  sent.on("response", resolve);
  sent.on("error", reject);
  sent.end(payload);
  const response = await promise;
  const { statusCode = 0, headers: received } = response;
  return {
    status: statusCode,
    header: (name) => {
      const value = received[name];
      return typeof value === "string" ? value : undefined;
    },
    body: await wholeOf(response),
  };
}

async function wholeOf(response: IncomingMessage): Promise<Uint8Array> {
  const parts: Uint8Array[] = [];
  let length = 0;
  for await (const part of response as AsyncIterable<Uint8Array>) {
    length += part.length;
    // Leaving the loop ends the connection.
    if (length > MAX_BYTES) throw new TooLarge();
    parts.push(part);
  }
  return Buffer.concat(parts);
}
