import { expect, test } from "vitest";
import type { Policy } from "../policy.ts";
import { testKeys } from "../testing/index.ts";
import type { AuditEvent } from "./event.ts";
import { memorySink } from "./memory-sink.ts";

/** Changes an event in place, as a sink that redacts might. */
function tamper(event: AuditEvent): void {
  if (!("grants" in event)) return;
  const { where } = event.grants[0] as { where?: Record<string, unknown> };
  if (where !== undefined) delete where["owner"];
}

test("a sink that changes an event in place is refused, and changes nothing", () => {
  const policy: Policy = { bot: { allow: [{ scope: "a:*", where: { owner: { in: ["acme"] } } }] } };
  const second = memorySink();
  const keys = testKeys({ agent: "bot", policy, audit: [tamper, second] });
  expect(() => keys.mint("a:b")).toThrow(expect.objectContaining({ code: "audit_unavailable" }));
  expect(second.events.map((event) => event.type)).toEqual(["key.denied"]);
});

test("an optional sink that changes an event in place changes no key and no other sink", async () => {
  const policy: Policy = { bot: { allow: [{ scope: "a:*", where: { owner: { in: ["acme"] } } }] } };
  const second = memorySink();
  const keys = testKeys({
    agent: "bot",
    policy,
    audit: [{ write: tamper, optional: true }, second],
  });
  const key = keys.mint("a:b");
  await keys.flush();
  expect(key.grants).toEqual([{ scope: "a:b", where: { owner: "acme" } }]);
  expect(second.events[0]).toMatchObject({ grants: [{ where: { owner: "acme" } }] });
  expect(keys.mint("a:b").grants).toEqual(key.grants);
});

test("an optional sink that uses keys is refused instead of going round for ever", async () => {
  const refused: unknown[] = [];
  let written = 0;
  const keys = testKeys({
    audit: [
      memorySink(),
      {
        optional: true,
        write: async () => {
          written += 1;
          await Promise.resolve();
          try {
            keys.mint("audit:write").close();
          } catch (error) {
            refused.push((error as { code?: string }).code);
          }
        },
      },
    ],
  });
  keys.mint("a:b").close();
  await keys.flush();
  expect(written).toBe(2);
  expect(refused).toEqual(["audit_unavailable", "audit_unavailable"]);
});

test("a clock that fails refuses a mint, and keeps what has happened on record", () => {
  let now = Date.UTC(2026, 0, 1);
  const sink = memorySink();
  const keys = testKeys({ audit: sink, now: () => now });
  const key = keys.mint("a:b");
  now = Number.NaN;
  expect(() => keys.mint("a:b")).toThrow(
    new TypeError("now: must return milliseconds since the epoch"),
  );
  key.close();
  expect(sink.events.map((event) => event.type)).toContain("key.closed");
});
