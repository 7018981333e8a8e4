import { expect, test } from "vitest";
import { SECRET, setup } from "../test/setup.ts";

test("a GET goes through: key verified, secret put in, two lines on record", async () => {
  await using s = await setup();
  const response = await s.ask("/tickets/tickets/T-1");
  expect(response.status).toBe(200);
  expect(await response.json()).toEqual({ ok: true });
  expect(s.upstream.seen).toHaveLength(1);
  const [seen] = s.upstream.seen;
  expect(seen?.url).toBe("/tickets/T-1");
  expect(seen?.headers.authorization).toBe(`Bearer ${SECRET}`);
  expect(seen?.headers["accept-encoding"]).toBe("identity");
  await s.close();
  const types = s.events.map(({ type }) => type);
  expect(types).toEqual(["request.allowed", "request.completed"]);
  const [completed] = s.of("request.completed");
  expect(completed).toMatchObject({
    service: "tickets",
    method: "GET",
    route: "/tickets/:ticketId",
    status: 200,
    bytes: 11,
    scopes: ["tickets:read"],
  });
  expect(JSON.stringify(s.events)).not.toContain("T-1");
});
