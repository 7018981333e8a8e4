import { existsSync } from "node:fs";
import { fileSink, isReserved, memoryStore, type Store } from "@agent-keys/core";
import { expect, test } from "vitest";
import { type Answer, ask } from "../ask.ts";
import { type InFront, openInFront } from "../in-front.ts";
import { openUpstream, type Upstream } from "../upstream.ts";

const READ = { scope: "tickets:read", expiresIn: "5m" } as const;
const STORE_MS = 150;

function askIn({ url }: InFront, token: string): Promise<Answer> {
  return ask(`${url}/tickets/tickets/1`, token);
}

async function expectNothingSent(upstream: Upstream, { events }: InFront): Promise<void> {
  expect(upstream.seen).toEqual([]);
  expect(events.filter(({ type }) => type === "request.allowed")).toEqual([]);
}

/** A store of which one part does something else. */
function storeWith(part: {
  readonly keys?: Partial<Store["keys"]>;
  readonly uses?: Partial<Store["uses"]>;
}): Store {
  const { keys, uses } = memoryStore();
  return { keys: { ...keys, ...part.keys }, uses: { ...uses, ...part.uses } };
}

const down = (): never => {
  throw new Error("the store is down");
};
const hangs = (): Promise<never> => new Promise(() => undefined);

test.each<[string, Store, number | undefined]>([
  ["throws when a use is reserved", storeWith({ uses: { reserve: down } }), 1],
  ["rejects it", storeWith({ uses: { reserve: async () => down() } }), 1],
  ["never answers it", storeWith({ uses: { reserve: hangs } }), 1],
  ["throws when asked for a key", storeWith({ keys: { stateOf: down } }), undefined],
  ["answers that with a promise", storeWith({ keys: { stateOf: hangs as never } }), undefined],
])("a store that %s: refused, and nothing is sent", async (_, store, uses) => {
  await using upstream = await openUpstream();
  await using front = await openInFront(upstream.url, { store, limits: { storeMs: STORE_MS } });
  const { token } = front.keys.mint(uses === undefined ? READ : { ...READ, uses });
  const answers = await Promise.all(Array.from({ length: 20 }, () => askIn(front, token)));
  expect(new Set(answers.map(({ code, status }) => `${status} ${code}`))).toEqual(
    new Set(["503 store_unavailable"]),
  );
  await expectNothingSent(upstream, front);
});

test("a store that sets a use aside too late gets it back", async () => {
  const { uses } = memoryStore();
  const waiting: (() => void)[] = [];
  let slow = true;
  const reserve: Store["uses"]["reserve"] = async (charges) => {
    if (slow) await new Promise<void>((resolve) => waiting.push(resolve));
    return await uses.reserve(charges);
  };
  await using upstream = await openUpstream();
  const store = storeWith({ uses: { ...uses, reserve } });
  await using front = await openInFront(upstream.url, { store, limits: { storeMs: STORE_MS } });
  const { token } = front.keys.mint({ ...READ, uses: 1 });
  expect((await askIn(front, token)).code).toBe("store_unavailable");
  await expectNothingSent(upstream, front);
  slow = false;
  for (const resolve of waiting) resolve();
  // The next turn of the loop: every promise has had its turn.
  await new Promise((resolve) => setImmediate(resolve));
  expect((await askIn(front, token)).status).toBe(200);
  expect((await askIn(front, token)).code).toBe("key_used_up");
  expect(upstream.seen).toHaveLength(1);
});

test.each(["throws", "hangs"])(
  "a store that %s when a use is committed keeps it spent, and the answer whole",
  async (how) => {
    const { uses } = memoryStore();
    const settle = how === "throws" ? async () => down() : hangs;
    const reserve: Store["uses"]["reserve"] = async (charges) => {
      const reserved = await uses.reserve(charges);
      return !isReserved(reserved) ? reserved : { commit: settle, release: settle };
    };
    await using upstream = await openUpstream();
    const limits = { storeMs: STORE_MS, concurrentRequests: 2, stopMs: 5_000 };
    const store = storeWith({ uses: { ...uses, reserve } });
    const front = await openInFront(upstream.url, { store, limits });
    const { token } = front.keys.mint({ ...READ, uses: 4 });
    const answers: Answer[] = [];
    for (let attempt = 0; attempt < 6; attempt += 1) {
      answers.push(await askIn(front, token));
      // A commit that hangs holds its place for no longer than that.
      await new Promise((resolve) => setTimeout(resolve, STORE_MS + 20));
    }
    const told = answers.map(({ code, status, body }) => code ?? `${status} ${body}`);
    const spent = ["key_used_up", "key_used_up"];
    expect(told).toEqual(["200 ok", "200 ok", "200 ok", "200 ok", ...spent]);
    expect(upstream.seen).toHaveLength(4);
    const startedMs = performance.now();
    await front[Symbol.asyncDispose]();
    expect(performance.now() - startedMs).toBeLessThan(4_000);
  },
);

test("a use that could not be given back stays spent", async () => {
  const { uses } = memoryStore();
  const reserve: Store["uses"]["reserve"] = async (charges) => {
    const reserved = await uses.reserve(charges);
    return !isReserved(reserved) ? reserved : { ...reserved, release: async () => down() };
  };
  const upstream = await openUpstream();
  await upstream[Symbol.asyncDispose]();
  const store = storeWith({ uses: { ...uses, reserve } });
  await using front = await openInFront(upstream.url, { store });
  const { token } = front.keys.mint({ ...READ, uses: 1 });
  expect((await askIn(front, token)).code).toBe("upstream_unavailable");
  expect((await askIn(front, token)).code).toBe("key_used_up");
});

test("a sink that fails from some event on: nothing is sent from then on", async () => {
  await using upstream = await openUpstream();
  let room = 6;
  const announced: string[] = [];
  const audit = {
    write(event: { readonly type: string }) {
      if (room <= 0) throw new Error("ENOSPC");
      room -= 1;
      announced.push(event.type);
    },
  };
  await using front = await openInFront(upstream.url, { audit });
  const keys = Array.from({ length: 30 }, () => front.keys.mint({ ...READ, uses: 1 }));
  const answers = await Promise.all(keys.map(({ token }) => askIn(front, token)));
  const allowed = announced.filter((type) => type === "request.allowed").length;
  expect(allowed).toBeGreaterThan(0);
  expect(upstream.seen).toHaveLength(allowed);
  expect(answers.filter(({ code }) => code === "audit_unavailable")).toHaveLength(30 - allowed);
  // What was refused so has its use left, once there is room again.
  room = Infinity;
  const again = await Promise.all(keys.map(({ token }) => askIn(front, token)));
  expect(again.filter(({ code }) => code === "key_used_up")).toHaveLength(allowed);
  expect(again.filter(({ status }) => status === 200)).toHaveLength(30 - allowed);
  expect(upstream.seen).toHaveLength(30);
});

test.runIf(existsSync("/dev/full"))("a record on a full device: nothing is sent", async () => {
  await using upstream = await openUpstream();
  // Closing says that the record is not complete.
  const front = await openInFront(upstream.url, { audit: fileSink("/dev/full") });
  const { token } = front.keys.mint(READ);
  for (let attempt = 0; attempt < 5; attempt += 1) {
    expect(await askIn(front, token)).toMatchObject({ status: 503, code: "audit_unavailable" });
  }
  expect(upstream.seen).toEqual([]);
  await expect(front[Symbol.asyncDispose]()).rejects.toMatchObject({ code: "audit_unavailable" });
});
