import { deepEqual, equal, notEqual } from "node:assert/strict";
import type { KeyFacts, RevocationSelector } from "../revocation.ts";
import type { Charge, Reservation, Store } from "../store/store.ts";

/** What the contract needs of a test runner and of the store under test. */
export interface StoreContract {
  /** Registers a test: `test` of Vitest, Jest or `node:test`. */
  readonly test: (name: string, fn: () => Promise<void>) => void;
  /** Opens an empty store whose clock is `now`. */
  readonly open: (now: () => number) => Store | Promise<Store>;
}

const FACTS: KeyFacts = {
  iss: "urn:issuer",
  kids: ["kid-1"],
  ids: ["key-1"],
  agents: ["bot"],
  user: "ada",
  txn: "run-1",
  scopes: ["github:repos.read"],
};

const START_MS = Date.UTC(2026, 0, 1);

/** The tests that every store passes, whatever it is made of. */
export function storeContract({ test, open }: StoreContract): void {
  const at = async (nowMs = START_MS): Promise<Store> => open(() => nowMs);

  test("a key nobody closed or revoked is live", async () => {
    equal((await at()).keys.stateOf(FACTS), "live");
  });

  test("a closed key is closed, and so is one delegated from it", async () => {
    const { keys } = await at();
    keys.close({ iss: "urn:issuer", id: "key-1", expiresAtMs: START_MS + 10_000 });
    equal(keys.stateOf(FACTS), "closed");
    equal(keys.stateOf({ ...FACTS, ids: ["child", "key-1"] }), "closed");
  });

  test("state is keyed by issuer and id, never by id alone", async () => {
    const { keys } = await at();
    keys.close({ iss: "urn:other", id: "key-1", expiresAtMs: START_MS + 10_000 });
    keys.revoke({ selector: { id: "key-1" }, iss: "urn:other", atMs: START_MS });
    equal(keys.stateOf(FACTS), "live");
  });

  const selectors: readonly (readonly [RevocationSelector, RevocationSelector])[] = [
    [{ id: "key-1" }, { id: "key-2" }],
    [{ agent: "bot" }, { agent: "bot-2" }],
    [{ user: "ada" }, { user: "bob" }],
    [{ txn: "run-1" }, { txn: "run-2" }],
    [{ scope: "github:repos.*" }, { scope: "github:issues.*" }],
    [{ issuer: "urn:issuer" }, { issuer: "urn:other" }],
    [{ kid: "kid-1" }, { kid: "kid-2" }],
  ];
  for (const [matching, other] of selectors) {
    const [name] = Object.keys(matching);
    test(`revocation by ${name} stops what it names and nothing else, until restored`, async () => {
      const { keys } = await at();
      keys.revoke({ selector: other, iss: "urn:issuer", atMs: START_MS });
      equal(keys.stateOf(FACTS), "live");
      keys.revoke({ selector: matching, iss: "urn:issuer", atMs: START_MS });
      equal(keys.stateOf(FACTS), "revoked");
      equal(keys.restore(matching, "urn:issuer"), 1);
      equal(keys.stateOf(FACTS), "live");
      equal(keys.revocations().length, 1);
    });
  }

  test("an operator's revocation of all, without an issuer, stops every issuer", async () => {
    const { keys } = await at();
    keys.revoke({ selector: { all: true }, atMs: START_MS });
    equal(keys.stateOf(FACTS), "revoked");
    equal(keys.stateOf({ ...FACTS, iss: "urn:other" }), "revoked");
  });

  test("an issuer cannot restore what the operator revoked", async () => {
    const { keys } = await at();
    keys.revoke({ selector: { agent: "bot" }, atMs: START_MS });
    equal(keys.restore({ agent: "bot" }, "urn:issuer"), 0);
    equal(keys.stateOf(FACTS), "revoked");
  });

  test("a revocation stands for as long as a key it names can live, all but by id for ever", async () => {
    let nowMs = START_MS;
    const { keys } = await open(() => nowMs);
    keys.revoke({ selector: { id: "key-1" }, iss: "urn:issuer", atMs: START_MS });
    nowMs += 902_000;
    keys.revoke({ selector: { id: "key-2" }, iss: "urn:issuer", atMs: nowMs });
    equal(keys.stateOf(FACTS), "revoked");
    keys.revoke({ selector: { user: "ada" }, iss: "urn:issuer", atMs: nowMs });
    nowMs += 365 * 86_400_000;
    keys.revoke({ selector: { id: "key-3" }, iss: "urn:issuer", atMs: nowMs });
    equal(keys.stateOf(FACTS), "revoked");
  });

  test("revoking twice stands once", async () => {
    const { keys } = await at();
    keys.revoke({ selector: { agent: "bot" }, iss: "urn:issuer", atMs: START_MS });
    keys.revoke({ selector: { agent: "bot" }, iss: "urn:issuer", atMs: START_MS + 1 });
    equal(keys.revocations().length, 1);
  });

  const charge = (id: string, limit: number): Charge => ({
    id,
    limit,
    mintedAtMs: START_MS,
    expiresAtMs: START_MS + 12_000,
  });

  test("a limit of n allows n uses", async () => {
    const { uses } = await at();
    const one = [charge("a", 2)];
    await commit(await uses.reserve(one));
    equal(await uses.peek(one), "available");
    await commit(await uses.reserve(one));
    equal(await uses.peek(one), "used_up");
    equal(await uses.reserve(one), "used_up");
  });

  test("peeking spends nothing", async () => {
    const { uses } = await at();
    await uses.peek([charge("a", 1)]);
    await uses.peek([charge("a", 1)]);
    notEqual(typeof (await uses.reserve([charge("a", 1)])), "string");
  });

  test("one of 1,000 parallel requests gets the one use", async () => {
    const { uses } = await at();
    const all = await Promise.all(
      Array.from({ length: 1_000 }, () => uses.reserve([charge("a", 1)])),
    );
    equal(all.filter((reserved) => typeof reserved !== "string").length, 1);
  });

  test("a reservation that is never settled stays spent", async () => {
    const { uses } = await at();
    await uses.reserve([charge("a", 1)]);
    equal(await uses.reserve([charge("a", 1)]), "used_up");
  });

  test("releasing gives the use back, once", async () => {
    const { uses } = await at();
    const reserved = reservation(await uses.reserve([charge("a", 1)]));
    await reserved.release();
    await reserved.release();
    await commit(await uses.reserve([charge("a", 1)]));
    equal(await uses.reserve([charge("a", 1)]), "used_up");
  });

  test("releasing after a commit gives nothing back", async () => {
    const { uses } = await at();
    const reserved = reservation(await uses.reserve([charge("a", 1)]));
    await reserved.commit();
    await reserved.release();
    equal(await uses.reserve([charge("a", 1)]), "used_up");
  });

  test("all charges of a request are taken, or none", async () => {
    const { uses } = await at();
    await commit(await uses.reserve([charge("parent", 1), charge("child-1", 1)]));
    equal(await uses.reserve([charge("child-2", 1), charge("parent", 1)]), "used_up");
    deepEqual(await uses.peek([charge("child-2", 1)]), "available");
  });

  test("a count is kept as long as any of its charges said", async () => {
    let nowMs = START_MS;
    const { uses } = await open(() => nowMs);
    const long = { ...charge("parent", 2), expiresAtMs: START_MS + 900_000 };
    await commit(await uses.reserve([long]));
    await commit(await uses.reserve([{ ...long, expiresAtMs: START_MS + 1_000 }]));
    nowMs += 890_000;
    await commit(await uses.reserve([{ ...charge("b", 1), expiresAtMs: nowMs + 1_000 }]));
    equal(await uses.peek([long]), "used_up");
    equal(await uses.reserve([long]), "used_up");
  });

  test("one charge from before what the store remembers refuses them all", async () => {
    const { uses } = await at();
    const old = { ...charge("parent", 1), mintedAtMs: START_MS - 1 };
    equal(await uses.peek([charge("child", 1), old]), "unknown");
    equal(await uses.reserve([charge("child", 1), old]), "unknown");
    equal(await uses.peek([charge("child", 1)]), "available");
  });

  test("a key from before what the store remembers is refused", async () => {
    const { uses } = await at();
    const old = [{ ...charge("a", 1), mintedAtMs: START_MS - 1 }];
    equal(await uses.reserve(old), "unknown");
    equal(await uses.peek(old), "unknown");
  });
}

function reservation(reserved: Reservation | string): Reservation {
  if (typeof reserved === "string") throw new Error(`expected a reservation, got ${reserved}`);
  return reserved;
}

async function commit(reserved: Reservation | string): Promise<void> {
  await reservation(reserved).commit();
}
