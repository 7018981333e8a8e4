import { describe, expect, test } from "vitest";
import type { AgentKey } from "./agent-key.ts";
import type { AgentKeys } from "./agent-keys.ts";
import { AgentKeyError } from "./errors.ts";
import type { Grant } from "./grant.ts";
import { memoryStore } from "./store/memory-store.ts";
import { testKeys } from "./testing/index.ts";
import { verifyKey } from "./token/verify-key.ts";

async function verdict(run: () => unknown): Promise<string> {
  try {
    await run();
    return "allowed";
  } catch (error) {
    if (!(error instanceof AgentKeyError)) throw error;
    return error.code;
  }
}

const spend = (keys: AgentKeys, key: AgentKey, scope: string, values = {}) =>
  verdict(() => keys.verify(key.token, { request: { scope, values }, consume: true }));

describe("a delegated key is never wider than its parent:", () => {
  const parentGrants: readonly Grant[] = [
    { scope: "tickets:reply", where: { id: { in: [7, 8] } }, uses: 3 },
    { scope: "tickets:read" },
  ];
  const cut = (asked: Grant | string, held = parentGrants) => {
    const keys = testKeys();
    return keys.for({ agent: "helper", parent: keys.mint(held) }).mint(asked).grants;
  };

  test("what it asks for is met with what the parent holds", () => {
    expect(cut("tickets:reply")).toEqual([
      { scope: "tickets:reply", where: { id: { in: [7, 8] } }, uses: 3 },
    ]);
    expect(cut({ scope: "tickets:reply", where: { id: { in: [8, 9] } }, uses: 9 })).toEqual([
      { scope: "tickets:reply", where: { id: 8 }, uses: 3 },
    ]);
    expect(cut({ scope: "tickets:read", uses: 1, only: true })).toEqual([
      { scope: "tickets:read", uses: 1, only: true },
    ]);
  });

  test.each<Grant | string>([
    "tickets:delete",
    "github:repos.read",
    { scope: "tickets:reply", where: { id: 9 } },
  ])("%j is refused, on the record", async (asked) => {
    const keys = testKeys();
    const helper = keys.for({ agent: "helper", parent: keys.mint(parentGrants) });
    expect(await verdict(() => helper.mint(asked))).toBe("policy_denied");
    expect(await verdict(() => helper.mint(["tickets:read", asked]))).toBe("policy_denied");
    expect(keys.events.filter(({ type }) => type === "key.denied")).toHaveLength(2);
  });

  test("its own agent's policy is a ceiling as well", async () => {
    const allow = [{ scope: "tickets:*" }];
    const keys = testKeys({
      agent: "lead",
      policy: { lead: { allow }, helper: { allow: [{ scope: "tickets:read", where: { id: 7 } }] } },
    });
    const parent = keys.mint(["tickets:read", "tickets:reply"]);
    const helper = keys.for({ agent: "helper", parent });
    expect(helper.mint("tickets:read").grants).toEqual([
      { scope: "tickets:read", where: { id: 7 } },
    ]);
    expect(await verdict(() => helper.mint("tickets:reply"))).toBe("policy_denied");
    const nobody = keys.for({ agent: "nobody", parent });
    expect(await verdict(() => nobody.mint("tickets:read"))).toBe("policy_denied");
  });

  test("many alternatives are cut to those that differ, and to as many as a token may hold", async () => {
    const held = Array.from({ length: 10 }, (_, i) => ({ scope: "a:b", where: { [`p${i}`]: i } }));
    const asked = Array.from({ length: 10 }, (_, i) => ({ scope: "a:b", where: { [`c${i}`]: i } }));
    const keys = testKeys();
    const helper = keys.for({ agent: "helper", parent: keys.mint(held) });
    expect(await verdict(() => helper.mint(asked))).toBe("policy_denied");
    const key = helper.mint(asked.slice(0, 5));
    expect(key.grants).toHaveLength(50);
    await expect(keys.verify(key.token)).resolves.toMatchObject({ id: key.id });
    expect(cut("a:b", [{ scope: "a:b" }, { scope: "a:b" }])).toEqual([{ scope: "a:b" }]);
  });
});

test("it is never later than its parent, nor minted from one that has run out", async () => {
  const keys = testKeys();
  const parent = keys.mint("tickets:read", { expiresIn: 20 });
  const helper = keys.for({ agent: "helper", parent });
  keys.clock.advance(15);
  const child = helper.mint("tickets:read", { expiresIn: 60 });
  expect(child.expiresAt).toEqual(parent.expiresAt);
  expect(helper.mint("tickets:read", { expiresIn: 2 }).expiresAt.getTime()).toBe(
    keys.clock.now() + 2000,
  );
  keys.clock.advance(5);
  expect(await verdict(() => helper.mint("tickets:read"))).toBe("key_expired");
});

test("it keeps the parent's user and run, and can be given no others", async () => {
  const keys = testKeys({ user: "default", txn: "default" });
  const parent = keys.mint("tickets:read", { user: "ada", txn: "run-1" });
  const helper = keys.for({ agent: "helper", parent });
  for (const run of [{}, { user: "other" }, { user: "other", txn: "run-2" }]) {
    const key = keys.run(run, () => helper.mint("tickets:read"));
    expect(key).toMatchObject({ agent: "helper", user: "ada", txn: "run-1", parentId: parent.id });
  }
  expect(await verdict(() => helper.mint("tickets:read", { user: "eve" }))).toBe("policy_denied");
  expect(await verdict(() => helper.mint("tickets:read", { txn: "run-2" }))).toBe("policy_denied");
  expect(await verdict(() => helper.for({ user: "eve" }).mint("tickets:read"))).toBe(
    "policy_denied",
  );
  const eves = keys.for({ user: "eve" }).for({ agent: "helper", parent });
  expect(await verdict(() => eves.mint("tickets:read"))).toBe("policy_denied");
  const same = keys.for({ agent: "helper", parent, user: "ada", txn: "run-1" });
  expect(same.mint("tickets:read").user).toBe("ada");
});

test("of a parent without user and run it has none, whatever runs around it", async () => {
  const keys = testKeys();
  const parent = keys.mint("tickets:read");
  const helper = keys.for({ agent: "helper", parent });
  const key = keys.run({ user: "eve", txn: "run-2" }, () => helper.mint("tickets:read"));
  expect(key).toMatchObject({ user: undefined, txn: undefined });
  expect(await verdict(() => helper.mint("tickets:read", { user: "eve" }))).toBe("policy_denied");
});

test("the record and the verifier name the whole chain", async () => {
  const keys = testKeys({ agent: "root" });
  const root = keys.mint("tickets:read");
  const lead = keys.for({ agent: "lead", parent: root }).mint("tickets:read");
  const helper = keys.for({ agent: "helper", parent: lead }).mint("tickets:read");
  expect(await keys.verify(helper.token)).toMatchObject({
    agent: "helper",
    delegatedBy: ["lead", "root"],
    parentId: lead.id,
  });
  expect(keys.events.at(-1)).toMatchObject({
    type: "key.minted",
    agent: "helper",
    parentId: lead.id,
  });
});

describe("a use of it is a use of every ancestor:", () => {
  test("a child cannot go on when the parent's use is spent, nor the parent when the child's is", async () => {
    const keys = testKeys();
    const parent = keys.mint({ scope: "tickets:reply", uses: 2 });
    const helper = keys.for({ agent: "helper", parent });
    const [one, two] = [
      helper.mint("tickets:reply"),
      helper.mint({ scope: "tickets:reply", uses: 1 }),
    ];
    expect(await spend(keys, two, "tickets:reply")).toBe("allowed");
    expect(await spend(keys, two, "tickets:reply")).toBe("key_used_up");
    expect(await spend(keys, one, "tickets:reply")).toBe("allowed");
    expect(await spend(keys, one, "tickets:reply")).toBe("key_used_up");
    expect(await spend(keys, parent, "tickets:reply")).toBe("key_used_up");
    expect(await spend(keys, helper.mint("tickets:reply"), "tickets:reply")).toBe("key_used_up");
  });

  test("over three generations and reordered grants, each is charged to its own", async () => {
    const keys = testKeys();
    const grants = [{ scope: "a:x", uses: 2 }, { scope: "a:y", uses: 5 }, { scope: "a:z" }];
    const root = keys.mint(grants);
    const lead = keys.for({ agent: "lead", parent: root }).mint(["a:z", "a:y", "a:x"]);
    const helper = keys.for({ agent: "helper", parent: lead }).mint(["a:y", "a:x", "a:z"]);
    expect(await spend(keys, helper, "a:x")).toBe("allowed");
    expect(await spend(keys, lead, "a:x")).toBe("allowed");
    for (const key of [helper, lead, root])
      expect(await spend(keys, key, "a:x")).toBe("key_used_up");
    for (const key of [helper, lead, root, root, helper])
      expect(await spend(keys, key, "a:y")).toBe("allowed");
    expect(await spend(keys, lead, "a:y")).toBe("key_used_up");
    for (const key of [helper, lead, root]) expect(await spend(keys, key, "a:z")).toBe("allowed");
  });

  test("of two grants of one scope, that one is charged which allows what the child may do", async () => {
    const keys = testKeys();
    const parent = keys.mint([
      { scope: "a:x", where: { id: 1 }, uses: 1 },
      { scope: "a:x", where: { id: 2 }, uses: 2 },
    ]);
    const two = { scope: "a:x", where: { id: 2 } };
    const child = keys.for({ agent: "helper", parent }).mint(two);
    expect(child.grants).toEqual([{ ...two, uses: 2 }]);
    expect(await spend(keys, child, "a:x", { id: 2 })).toBe("allowed");
    expect(await spend(keys, child, "a:x", { id: 2 })).toBe("allowed");
    expect(await spend(keys, parent, "a:x", { id: 2 })).toBe("key_used_up");
    expect(await spend(keys, parent, "a:x", { id: 1 })).toBe("allowed");
  });

  test("a spent use does not come back once the child that spent it is forgotten", async () => {
    const keys = testKeys();
    const parent = keys.mint({ scope: "a:x", uses: 1 }, { expiresIn: "15m" });
    const child = keys.for({ agent: "helper", parent }).mint("a:x", { expiresIn: 1 });
    expect(await spend(keys, child, "a:x")).toBe("allowed");
    keys.clock.advance("6m");
    // Another key's use, which is when a store drops what it need not keep.
    expect(await spend(keys, keys.mint({ scope: "a:y", uses: 1 }), "a:y")).toBe("allowed");
    expect(await spend(keys, parent, "a:x")).toBe("key_used_up");
  });

  test("a store that forgot the parent's uses refuses a child minted after, but not its own", async () => {
    const keys = testKeys({ issuer: "urn:desk", audience: "urn:api" });
    const parent = keys.mint([{ scope: "a:x", uses: 1 }, { scope: "a:y" }], { expiresIn: 60 });
    expect(await spend(keys, parent, "a:x")).toBe("allowed");
    keys.clock.advance(1);
    const restarted = memoryStore({ now: () => keys.clock.now() });
    keys.clock.advance(1);
    const helper = keys.for({ agent: "helper", parent });
    const lead = helper.mint(["a:x", { scope: "a:y", uses: 1 }]);
    const late = keys.for({ agent: "last", parent: lead }).mint(["a:x", "a:y"]);
    const whose = { jwks: keys.jwks(), issuer: "urn:desk", audience: "urn:api" };
    const options = { ...whose, store: restarted, now: () => keys.clock.now() };
    for (const { token } of [parent, lead, late]) {
      const request = { scope: "a:x" };
      const asked = verdict(() => verifyKey(token, { ...options, request, consume: true }));
      expect(await asked).toBe("use_unknown");
    }
    const free = { ...options, request: { scope: "a:y" }, consume: true };
    expect(await verdict(() => verifyKey(late.token, free))).toBe("allowed");
    expect(await verdict(() => verifyKey(lead.token, free))).toBe("key_used_up");
  });

  test("1,000 parallel uses of ten children are as many as the parent has", async () => {
    const keys = testKeys();
    const parent = keys.mint({ scope: "a:x", uses: 7 });
    const children = Array.from({ length: 10 }, () =>
      keys.for({ agent: "helper", parent }).mint("a:x"),
    );
    const all = await Promise.all(
      Array.from({ length: 1000 }, (_, i) => spend(keys, children[i % 10]!, "a:x")),
    );
    expect(all.filter((one) => one === "allowed")).toHaveLength(7);
  });
});

test("a use is charged to every ancestor over four generations, whichever of them is spent", async () => {
  for (const spent of [0, 1, 2, 3]) {
    const keys = testKeys();
    const chain = [keys.mint(["a:y", { scope: "a:x", uses: spent === 0 ? 1 : 9 }])];
    for (const at of [1, 2, 3, 4]) {
      const parent = chain.at(-1);
      const asked = [{ scope: "a:x", uses: spent === at ? 1 : 9 }, "a:y"];
      chain.push(
        keys.for({ agent: `bot-${at}`, parent }).mint(at % 2 === 0 ? asked : asked.toReversed()),
      );
    }
    const last = chain.at(-1)!;
    expect(await spend(keys, last, "a:y")).toBe("allowed");
    expect(await spend(keys, last, "a:x")).toBe("allowed");
    expect(await spend(keys, last, "a:x")).toBe("key_used_up");
    expect(await spend(keys, chain[spent]!, "a:x")).toBe("key_used_up");
    expect(await spend(keys, last, "a:y")).toBe("allowed");
  }
});

describe("it is dead with any of its ancestors:", () => {
  /** A key, one delegated from it, and one delegated from that. */
  const family = () => {
    const keys = testKeys({ agent: "root" });
    const root = keys.mint(["a:x", "a:y"], { user: "ada", txn: "run-1" });
    const lead = keys.for({ agent: "lead", parent: root }).mint(["a:x", "a:y"]);
    const helperKeys = keys.for({ agent: "helper", parent: lead });
    return { keys, root, lead, helperKeys, helper: helperKeys.mint("a:x") };
  };

  test("closed with the one who started it, and nothing more is cut from it", async () => {
    const { keys, root, helper, helperKeys } = family();
    expect(await verdict(() => keys.verify(helper.token))).toBe("allowed");
    root.close();
    expect(await verdict(() => keys.verify(helper.token))).toBe("key_closed");
    expect(await verdict(() => helperKeys.mint("a:x"))).toBe("key_closed");
  });

  test.each(["id", "agent", "scope", "user", "txn"] as const)(
    "revoked by the root's %s",
    async (by) => {
      const { keys, root, helper, helperKeys } = family();
      const selectors = {
        id: { id: root.id },
        agent: { agent: "root" },
        scope: { scope: "a:y" },
        user: { user: "ada" },
        txn: { txn: "run-1" },
      };
      await keys.revoke(selectors[by]);
      expect(await verdict(() => keys.verify(helper.token))).toBe("key_revoked");
      expect(await verdict(() => helperKeys.mint("a:x"))).toBe("key_revoked");
    },
  );

  test("revoked by, or retired with, the key that signed the root", async () => {
    for (const end of ["revoke", "retire"] as const) {
      const { keys, root, lead } = family();
      const [{ kid }] = keys.jwks().keys as unknown as [{ kid: string }];
      keys.rotate();
      const helperKeys = keys.for({ agent: "helper", parent: lead });
      const helper = helperKeys.mint("a:x");
      expect(await verdict(() => keys.verify(helper.token))).toBe("allowed");
      if (end === "revoke") await keys.revoke({ kid });
      else keys.retire(kid);
      const code = end === "revoke" ? "key_revoked" : "token_invalid";
      for (const key of [root, lead, helper])
        expect(await verdict(() => keys.verify(key.token))).toBe(code);
      expect(await verdict(() => helperKeys.mint("a:x"))).toBe(code);
    }
  });

  test("whichever of them is revoked, by what is its own, and however far back", async () => {
    const keys = testKeys();
    const lives = (): AgentKey[] => {
      const chain = [keys.mint("a:x")];
      for (const agent of ["one", "two", "three"]) {
        // One signing key each.
        keys.rotate();
        chain.push(keys.for({ agent, parent: chain.at(-1) }).mint("a:x"));
      }
      return chain;
    };
    for (const at of [0, 1, 2, 3]) {
      const chain = lives();
      const [last, revoked] = [chain.at(-1)!, chain[at]!];
      keys.rotate();
      const next = keys.for({ agent: "next", parent: last });
      expect(await verdict(() => next.mint("a:x"))).toBe("allowed");
      const { kid } = JSON.parse(
        Buffer.from(revoked.token.split(".")[0]!, "base64url").toString(),
      ) as { kid: string };
      for (const selector of [{ id: revoked.id }, { kid }]) {
        await keys.revoke(selector);
        expect(await verdict(() => keys.verify(last.token))).toBe("key_revoked");
        expect(await verdict(() => next.mint("a:x"))).toBe("key_revoked");
        await keys.restore(selector);
      }
    }
  });

  test("also by a scope that only the ones before it have", async () => {
    const keys = testKeys();
    const root = keys.mint(["a:x", "a:y", "a:z", "a:root"]);
    const one = keys.for({ agent: "one", parent: root }).mint(["a:x", "a:y", "a:z"]);
    const two = keys.for({ agent: "two", parent: one }).mint(["a:x", "a:z"]);
    const next = keys.for({ agent: "next", parent: two });
    await keys.revoke({ scope: "a:root" });
    expect(await verdict(() => keys.for({ agent: "b", parent: root }).mint("a:x"))).toBe(
      "key_revoked",
    );
    await keys.restore({ scope: "a:root" });
    for (const scope of ["a:root", "a:y", "a:z"]) {
      await keys.revoke({ scope });
      expect(await verdict(() => keys.verify(two.token))).toBe("key_revoked");
      expect(await verdict(() => next.mint("a:x"))).toBe("key_revoked");
      await keys.restore({ scope });
    }
    expect(await verdict(() => next.mint("a:x"))).toBe("allowed");
  });

  test("but not with a sibling", async () => {
    const { keys, helper, helperKeys } = family();
    helperKeys.mint("a:x").close();
    expect(await verdict(() => keys.verify(helper.token))).toBe("allowed");
  });
});

test("after eight delegations there is no ninth", async () => {
  const keys = testKeys({ agent: "a0" });
  let parent = keys.mint("a:x");
  for (let i = 1; i <= 8; i += 1) parent = keys.for({ agent: `a${i}`, parent }).mint("a:x");
  expect(await verdict(() => keys.verify(parent.token))).toBe("allowed");
  const error: unknown = await keys.verify(parent.token).catch((e: unknown) => e);
  expect(error).toMatchObject({ delegatedBy: ["a7", "a6", "a5", "a4", "a3", "a2", "a1", "a0"] });
  expect(await verdict(() => keys.for({ agent: "a9", parent }).mint("a:x"))).toBe("policy_denied");
});

test("a parent of another issuer or for another audience, or that is no key, is a TypeError", () => {
  const keys = testKeys({ issuer: "urn:desk", audience: "one" });
  const strangers = [
    testKeys({ issuer: "urn:other", audience: "one" }),
    testKeys({ issuer: "urn:desk", audience: "two" }),
  ];
  for (const stranger of strangers) {
    expect(() => keys.for({ parent: stranger.mint("a:x") })).toThrow(
      new TypeError("parent: was minted by another issuer, or for another audience"),
    );
  }
  for (const parent of ["AgentKey(x)", null, {}, keys]) {
    expect(() => keys.for({ parent: parent as never })).toThrow(
      new TypeError("parent: must be an AgentKey"),
    );
  }
  expect(() => keys.for({ agent: "" })).toThrow(/^agent: /);
});
