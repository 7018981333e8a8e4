import { createServer } from "node:http";
import type { AddressInfo } from "node:net";
import { afterAll, describe, test } from "vitest";
import { addressOf, pathTo } from "../http/address.ts";
import { readJson } from "../http/read-json.ts";
import { textAt } from "../json-member.ts";
import { secretValue } from "../secret-value.ts";
import { outOfReach, unavailable } from "../unavailable.ts";
import { managedSourceContract, type ManagedSourceUnderTest } from "./index.ts";

const closing: (() => void)[] = [];
afterAll(() => closing.forEach((close) => close()));

/** The smallest source that there can be behind a server, of values that last so long. */
async function open(lastsMs?: number): Promise<ManagedSourceUnderTest> {
  let value: string | undefined;
  let throttled: number[] = [];
  let isDown = false;
  let asked = 0;
  const server = createServer((request, response) => {
    asked += 1;
    if (isDown) return void request.socket.destroy();
    const retryAfter = throttled.shift();
    if (retryAfter !== undefined) {
      const headers = retryAfter === 0 ? {} : { "retry-after": String(retryAfter) };
      return void response.writeHead(429, headers).end();
    }
    response.writeHead(value === undefined ? 404 : 200).end(JSON.stringify({ value }));
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  closing.push(() => void (server.closeAllConnections(), server.close()));
  const { port } = server.address() as AddressInfo;
  const url = pathTo(addressOf(`http://127.0.0.1:${port}`, "test"), ["value"]);
  const name = "test:value";
  return {
    source: {
      name,
      async read({ signal } = {}) {
        const { status, json } = await readJson({ url }, name, { signal });
        if (status >= 429) throw outOfReach(name, `answered ${status}`);
        if (status !== 200) throw unavailable(name, `answered ${status}`);
        const expiresAtMs = lastsMs === undefined ? undefined : Date.now() + lastsMs;
        return secretValue(name, textAt(json, ["value"], name), expiresAtMs);
      },
    },
    set: (text) => void (value = text),
    throttle: (requests, retryAfterSeconds = 0) => {
      throttled = Array.from({ length: requests }, () => retryAfterSeconds);
    },
    setDown: (down) => void (isDown = down),
    requests: () => asked,
  };
}

describe("of values that say no expiry", () => {
  managedSourceContract({ test, open: () => open() });
});

describe("of values that expire", () => {
  managedSourceContract({ test, open: () => open(3_600_000) });
});
