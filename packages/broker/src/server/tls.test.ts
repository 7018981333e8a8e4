import { once } from "node:events";
import { readFileSync } from "node:fs";
import { get } from "node:https";
import type { IncomingMessage } from "node:http";
import { expect, test } from "vitest";
import { selfSigned } from "../../test/self-signed.ts";
import { setup } from "../../test/setup.ts";

test("the broker serves TLS, and names it in its url", async () => {
  const tls = selfSigned();
  await using s = await setup({ broker: { tls } });
  expect(s.url).toMatch(/^https:\/\/127\.0\.0\.1:\d+$/);
  const headers = { authorization: `Bearer ${s.mint()}` };
  const request = get(`${s.url}/tickets/tickets/1`, { ca: readFileSync(tls.cert), headers });
  const [response] = (await once(request, "response")) as [IncomingMessage];
  response.resume();
  await once(response, "end");
  expect(response.statusCode).toBe(200);
  expect(s.upstream.seen).toHaveLength(1);
});
