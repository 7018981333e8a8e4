import { checkRequest, type Grant } from "@agent-keys/core";
import * as fc from "fast-check";
import { expect, test } from "vitest";
import { bearer } from "../service/credential.ts";
import { defineService } from "../service/define-service.ts";
import { authorize } from "./authorize.ts";
import type { AskedRequest, Forward } from "./decision.ts";

// Whatever is sent, however an upstream reads it, was allowed: first or last of a name that occurs
// twice, names without regard to case, `a[]` as `a`, a body before the query or behind it.

const types = { channel: "string", text: "string" } as const;
const service = defineService({
  name: "hub",
  baseUrl: "https://hub.example",
  credential: bearer(),
  scopes: { write: [{ route: "POST /teams/:team/post?dry", json: types, form: types }] },
});

const NAMES = ["channel", "Channel", "channel[]", "channel[0]", "chan\\u006eel", "team", "TEAM"];
const name = fc.oneof(
  fc.constantFrom(...NAMES, "text", "dry", "other"),
  fc.string({ maxLength: 4 }),
);
const value = fc.constantFrom("C1", "C2", "c1", "C1 ", "", "C1&channel=C2", "C1;channel=C2", "é");
const pairs = fc.array(fc.tuple(name, value), { maxLength: 4 });
const encoded = (text: string): string => text.replace(/[&=+%#]/g, encodeURIComponent);
const write = (list: readonly (readonly [string, string])[]): string =>
  list.map(([key, text]) => `${encoded(key)}=${encoded(text)}`).join("&");
const writeJson = (list: readonly (readonly [string, string])[]): string =>
  `{${list.map(([key, text]) => `"${key.replace(/["\n\r\t]/g, "")}":${JSON.stringify(text)}`).join(",")}}`;

const body = fc.oneof(
  pairs.map((list) => ({ type: "application/json", text: writeJson(list) })),
  pairs.map((list) => ({ type: "application/x-www-form-urlencoded", text: write(list) })),
  fc.constant({ type: "text/plain", text: '{"channel":"C2"}' }),
);
const requests = fc.record({
  team: fc.oneof(
    fc.constantFrom("T1", "T2", "%54%31", "T1%2Fx", ".."),
    fc.string({ maxLength: 3 }),
  ),
  query: fc.oneof(pairs.map(write), fc.string({ maxLength: 8 })),
  body: fc.option(body, { nil: undefined }),
});
const constraint = fc.constantFrom(
  "C1",
  { in: ["C1", "C2"] },
  { prefix: "C" },
  { any: true as const },
);
const grants = fc.record({
  scope: fc.constant("hub:write"),
  where: fc.oneof(
    constraint.map((channel) => ({ channel })),
    constraint.map((channel) => ({ channel, team: "T1" })),
    fc.constant({ team: "T1" }),
    fc.constant({ dry: { in: ["C1"], optional: true as const } }),
  ),
});

test("whatever is sent was decided on, however it is read", () => {
  let allowed = 0;
  fc.assert(
    fc.property(requests, grants, (asked, grant: Grant) => {
      const { body: content } = asked;
      const request: AskedRequest = {
        method: "POST",
        path: `/teams/${asked.team}/post`,
        query: asked.query,
        headers: content === undefined ? [] : [["content-type", content.type]],
        body: content === undefined ? "none" : Buffer.from(content.text),
      };
      const decision = authorize(request, { grants: [grant] }, service);
      if (decision.outcome !== "allowed") return;
      allowed += 1;
      for (const values of readings(decision.forward)) {
        const again = checkRequest([grant], { scope: "hub:write", values });
        if (!again.allowed) throw new Error(JSON.stringify([grant, decision.forward, values]));
      }
    }),
    { numRuns: 30_000, seed: 20_261_124 },
  );
  // Not a test of nothing.
  expect(allowed).toBeGreaterThan(500);
});

/** What upstreams of various habits would take the request for. */
function* readings(forward: Forward): Iterable<Record<string, string>> {
  const path = forward.path.split("/");
  const team: readonly [string, string] = ["team", decodeURIComponent(path[2] ?? "")];
  const inQuery = [...new URLSearchParams(forward.query)];
  const inBody = members(forward);
  for (const order of [
    [team, ...inQuery, ...inBody],
    [...inBody, ...inQuery, team],
  ]) {
    for (const list of [order, order.toReversed()]) {
      for (const fold of [same, lower, withoutIndex]) {
        // The last wins.
        yield Object.fromEntries(list.map(([key, text]) => [fold(key), text]));
      }
    }
  }
}

const same = (key: string): string => key;
const lower = (key: string): string => key.toLowerCase();
const withoutIndex = (key: string): string => key.toLowerCase().replace(/\[.*$/, "");

function members({ headers, body: sent }: Forward): readonly (readonly [string, string])[] {
  if (typeof sent === "string") return [];
  const text = Buffer.from(sent).toString();
  if (headers["content-type"]?.includes("json") !== true) return [...new URLSearchParams(text)];
  return Object.entries(JSON.parse(text) as Record<string, string>);
}
