import { createServer, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import { afterEach, expect, test } from "vitest";
import { testKeys } from "../testing/index.ts";
import { JWKS_MAX_BYTES } from "./bounded-fetch.ts";
import { verifyKey } from "./verify-key.ts";

const stops: (() => Promise<void>)[] = [];

afterEach(async () => {
  await Promise.all(stops.splice(0).map((stop) => stop()));
});

async function serve(answer: (response: ServerResponse) => void): Promise<string> {
  const server = createServer((_, response) => answer(response));
  await new Promise<void>((done) => {
    server.listen(0, "127.0.0.1", done);
  });
  stops.push(
    () =>
      new Promise((done) => {
        server.closeAllConnections();
        server.close(() => done());
      }),
  );
  return `http://127.0.0.1:${(server.address() as AddressInfo).port}/jwks`;
}

test("an endless JWKS is left after a megabyte", async () => {
  let sentBytes = 0;
  let hungUp: () => void;
  const left = new Promise<void>((done) => {
    hungUp = done;
  });
  const jwks = await serve((response) => {
    response.on("close", () => hungUp());
    const block = Buffer.alloc(64 * 1024, " ");
    const more = (): void => {
      if (response.destroyed || sentBytes > 512 * JWKS_MAX_BYTES) return;
      sentBytes += block.length;
      if (response.write(block)) setImmediate(more);
      else response.once("drain", more);
    };
    more();
  });
  const keys = testKeys({ issuer: "urn:test", audience: "urn:api" });
  const { token } = keys.mint("a:b");
  const names = { issuer: "urn:test", audience: "urn:api" };
  const options = { jwks, ...names, request: undefined, now: () => keys.clock.now() };
  await expect(verifyKey(token, options)).rejects.toMatchObject({
    code: "issuer_unavailable",
    cause: { message: expect.stringContaining("larger than") as string },
  });
  await left;
  expect(sentBytes).toBeLessThan(64 * JWKS_MAX_BYTES);
});

test("a JWKS of ordinary size is read whole", async () => {
  const keys = testKeys({ issuer: "urn:test", audience: "urn:api" });
  const jwks = await serve((response) => {
    response.end(JSON.stringify(keys.jwks()));
  });
  const key = keys.mint("a:b");
  const names = { issuer: "urn:test", audience: "urn:api" };
  const options = { jwks, ...names, request: undefined, now: () => keys.clock.now() };
  expect((await verifyKey(key.token, options)).id).toBe(key.id);
});
