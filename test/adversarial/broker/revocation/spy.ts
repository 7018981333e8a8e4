import { request as httpRequest } from "node:http";
import { text } from "node:stream/consumers";
import { openUpstream } from "../upstream.ts";

/** Stands where a broker is believed to be, and keeps the notices that come. */
export interface Spy extends AsyncDisposable {
  readonly url: string;
  /** As they were signed, oldest first. */
  readonly notices: readonly string[];
  /** The keys that each of them says were closed. */
  readonly closed: readonly (readonly string[])[];
  /** Resolves with the next notice, from now on. */
  next(): Promise<string>;
}

/** @param answer - The status to answer a notice with; a promise that never resolves hangs. */
export async function openSpy(answer: () => number | Promise<number> = () => 200): Promise<Spy> {
  const notices: string[] = [];
  let waiting: ((notice: string) => void)[] = [];
  const upstream = await openUpstream((request, response) => {
    void text(request).then(async (body) => {
      const { notice } = JSON.parse(body) as { readonly notice: string };
      notices.push(notice);
      for (const resolve of waiting) resolve(notice);
      waiting = [];
      response.writeHead(await answer()).end();
    });
  });
  return {
    url: upstream.url,
    notices,
    get closed() {
      return notices.map((notice) => claimsOf(notice).closed?.map(({ id }) => id) ?? []);
    },
    next: () => new Promise((resolve) => waiting.push(resolve)),
    [Symbol.asyncDispose]: () => upstream[Symbol.asyncDispose](),
  };
}

/** What a broker answers a notice with. */
export function deliver(broker: string, notice: string): Promise<number> {
  return new Promise((resolve, reject) => {
    const url = `${broker}/.agent-keys/notices`;
    const request = httpRequest(url, { method: "POST", agent: false }, (response) => {
      response.resume();
      resolve(response.statusCode ?? 0);
    });
    request.on("error", reject);
    request.end(JSON.stringify({ notice }));
  });
}

function claimsOf(notice: string): { readonly closed?: readonly { readonly id: string }[] } {
  const [, payload = ""] = notice.split(".");
  return JSON.parse(Buffer.from(payload, "base64url").toString()) as ReturnType<typeof claimsOf>;
}
