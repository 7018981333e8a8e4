import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { inspect } from "node:util";
import { afterEach, describe, expect, test } from "vitest";
import { isOutage } from "../unavailable.ts";
import { addressOf, pathTo } from "./address.ts";
import { readJson } from "./read-json.ts";
import { delayMs, retryAfterMs, waitFor } from "./retry.ts";

type Answer = (request: IncomingMessage, response: ServerResponse) => void;

const open: (() => void)[] = [];
afterEach(() => {
  for (const close of open.splice(0)) close();
});

/** A server that gives these answers, the last of them for ever. */
async function given(...answers: readonly Answer[]) {
  const asked: IncomingMessage[] = [];
  const server = createServer((request, response) => {
    asked.push(request);
    answers[Math.min(asked.length, answers.length) - 1]?.(request, response);
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  open.push(() => {
    server.closeAllConnections();
    server.close();
  });
  const url = new URL(`http://127.0.0.1:${(server.address() as AddressInfo).port}/v1/x`);
  const waited: number[] = [];
  const wait = async (ms: number): Promise<void> => void waited.push(ms);
  return { url, asked, waited, options: { wait, random: () => 0.5 } };
}

const status =
  (code: number, headers: Record<string, string> = {}, body = '{"canary":"4Rfv"}'): Answer =>
  (_, response) =>
    response.writeHead(code, headers).end(body);
const ok = status(200, {}, '{"a":1}');
const cut: Answer = (request) => request.socket.destroy();

describe("what is tried again", () => {
  test.each([429, 500, 502, 503, 504])("%i, after a time that grows", async (code) => {
    const { url, asked, waited, options } = await given(status(code), status(code), ok);
    expect(await readJson({ url }, "test:x", options)).toEqual({ status: 200, json: { a: 1 } });
    expect(asked).toHaveLength(3);
    expect(waited).toEqual([100, 200]);
  });

  test("a connection that breaks, before or within an answer", async () => {
    const within: Answer = (request, response) => {
      response.writeHead(200, { "content-length": "100" });
      response.write("{", () => request.socket.destroy());
    };
    const { url, asked, options } = await given(cut, within, ok);
    expect((await readJson({ url }, "test:x", options)).json).toEqual({ a: 1 });
    expect(asked).toHaveLength(3);
  });

  test("not sooner than Retry-After says", async () => {
    const { url, waited, options } = await given(status(429, { "retry-after": "2" }), ok);
    await readJson({ url }, "test:x", options);
    expect(waited).toEqual([2_100]);
  });

  test("not at all when Retry-After is past the time there is", async () => {
    const { url, asked, options } = await given(status(503, { "retry-after": "60" }), ok);
    expect((await readJson({ url }, "test:x", options)).status).toBe(503);
    expect(asked).toHaveLength(1);
  });

  test("four times, and then the last answer is given", async () => {
    const { url, asked, options } = await given(status(500));
    expect((await readJson({ url }, "test:x", options)).status).toBe(500);
    expect(asked).toHaveLength(4);
  });

  test.each([200, 301, 400, 403, 404])("%i is an answer", async (code) => {
    const { url, asked, options } = await given(status(code), ok);
    expect((await readJson({ url }, "test:x", options)).status).toBe(code);
    expect(asked).toHaveLength(1);
  });
});

test("a redirect is not followed", async () => {
  const elsewhere = await given(ok);
  const headers = { location: elsewhere.url.href };
  const { url, options } = await given(status(307, headers));
  const sent = { url, headers: { "x-vault-token": "canary-4Rfv" } };
  expect((await readJson(sent, "test:x", options)).status).toBe(307);
  expect(elsewhere.asked).toHaveLength(0);
});

describe("what fails", () => {
  async function failing(...answers: readonly Answer[]): Promise<unknown> {
    const { url, options } = await given(...answers);
    const headers = { authorization: "canary-4Rfv" };
    const error: unknown = await readJson({ url, headers }, "test:x", {
      ...options,
      timeoutMs: 300,
    })
      .then(() => "nothing")
      .catch((thrown: unknown) => thrown);
    expect(inspect(error, { depth: null, showHidden: true })).not.toContain("4Rfv");
    expect(error).toMatchObject({ code: "secret_unavailable" });
    return error;
  }

  test("a server that is not there is an outage", async () => {
    const error = await failing(cut);
    expect(error).toMatchObject({ cause: new Error("test:x: is out of reach (ECONNRESET)") });
    expect(isOutage(error)).toBe(true);
  });

  test("so is one that says nothing, or does not end", async () => {
    for (const answer of [(): void => undefined, slow]) {
      const error = await failing(answer);
      expect(error).toMatchObject({ cause: new Error("test:x: gave no answer within 0.3 s") });
      expect(isOutage(error)).toBe(true);
    }
  });
  const slow: Answer = (_, response) => void response.writeHead(200).write("{");

  test("an answer without end is not one", async () => {
    const endless: Answer = (_, response) => {
      const part = Buffer.alloc(64 * 1024, "canary-4Rfv");
      const more = (): void => void (response.writable && response.write(part, more));
      response.writeHead(200);
      more();
    };
    const error = await failing(endless);
    expect(error).toMatchObject({ cause: new Error("test:x: gave an answer that is too large") });
    expect(isOutage(error)).toBe(false);
  });

  test("who gives up gets its own reason, also while it waits to try again", async () => {
    const { url } = await given(status(429, { "retry-after": "5" }));
    const abort = new AbortController();
    const reading = readJson({ url }, "test:x", { signal: abort.signal });
    const reason = new Error("enough");
    setTimeout(() => abort.abort(reason), 50);
    await expect(reading).rejects.toBe(reason);
    await expect(waitFor(1_000, AbortSignal.abort(reason))).rejects.toBe(reason);
  });
});

test("what is not JSON is none", async () => {
  for (const body of ["", "<html>", "\u0000", '{"a":']) {
    const { url, options } = await given(status(200, {}, body));
    expect(await readJson({ url }, "test:x", options)).toEqual({ status: 200, json: undefined });
  }
});

test("the wait has jitter: two who were sent away at once do not come back at once", () => {
  expect(delayMs(0, undefined, () => 0.1)).not.toBe(delayMs(0, undefined, () => 0.9));
  expect(delayMs(0, 1_000, () => 0.1)).not.toBe(delayMs(0, 1_000, () => 0.9));
  expect(delayMs(0, 1_000, () => 0)).toBe(1_000);
  expect(delayMs(40, undefined, () => 1)).toBe(3_000);
});

test.each([
  ["0", 0],
  ["120", 120_000],
  ["Sun, 06 Nov 1994 08:49:37 GMT", 0],
  ["Thu, 01 Jan 1970 00:00:05 GMT", 4_000],
  ["-1", undefined],
  ["soon", undefined],
  ["9".repeat(400), undefined],
  [undefined, undefined],
])("Retry-After: %s", (header, ms) => {
  const nowMs = header?.includes("1970") ? 1_000 : Date.now();
  expect(retryAfterMs(header, nowMs)).toBe(ms);
});

describe("where a request goes", () => {
  test.each([
    "ftp://x",
    "http://example.com",
    "x",
    "",
    "https://me:canary@x",
    "https://x/?canary=1",
  ])("%s is no address, and is not repeated", (text) => {
    expect(() => addressOf(text, "VAULT_ADDR")).toThrow(TypeError);
    expect(() => addressOf(text, "VAULT_ADDR")).not.toThrow(/canary/);
  });

  test("only an address decides on the host; a path can add nothing but names", () => {
    const address = addressOf("https://vault.example.com:8200/base/", "VAULT_ADDR");
    const hostile = [
      "@evil.com",
      "//evil.com",
      "..\\..",
      "%2e%2e",
      "a?b=c#d",
      "https://evil.com",
      "\t\n",
    ];
    for (const segment of hostile) {
      const url = pathTo(address, ["v1", segment]);
      expect(url.origin).toBe("https://vault.example.com:8200");
      expect(url.pathname).toBe(`/base/v1/${encodeURIComponent(segment)}`);
      expect(url.search + url.hash).toBe("");
    }
    expect(pathTo(address, ["a"], { version: "1&x=2" }).search).toBe("?version=1%26x%3D2");
    for (const step of ["", ".", ".."]) expect(() => pathTo(address, [step])).toThrow(TypeError);
  });
});
