import { equal } from "node:assert/strict";
import type { KeyFacts, RevocationSelector } from "../revocation.ts";
import type { Store } from "../store/store.ts";
import { type StoreContract, useCounterContract } from "./use-counter-contract.ts";

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
    await keys.revoke({ selector: { id: "key-1" }, iss: "urn:other", atMs: START_MS });
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
      await keys.revoke({ selector: other, iss: "urn:issuer", atMs: START_MS });
      equal(keys.stateOf(FACTS), "live");
      await keys.revoke({ selector: matching, iss: "urn:issuer", atMs: START_MS });
      equal(keys.stateOf(FACTS), "revoked");
      equal(await keys.restore(matching, "urn:issuer"), 1);
      equal(keys.stateOf(FACTS), "live");
      equal(keys.revocations().length, 1);
    });
  }

  test("an operator's revocation of all, without an issuer, stops every issuer", async () => {
    const { keys } = await at();
    await keys.revoke({ selector: { all: true }, atMs: START_MS });
    equal(keys.stateOf(FACTS), "revoked");
    equal(keys.stateOf({ ...FACTS, iss: "urn:other" }), "revoked");
  });

  test("an issuer cannot restore what the operator revoked", async () => {
    const { keys } = await at();
    await keys.revoke({ selector: { agent: "bot" }, atMs: START_MS });
    equal(await keys.restore({ agent: "bot" }, "urn:issuer"), 0);
    equal(keys.stateOf(FACTS), "revoked");
  });

  test("a revocation stands for as long as a key it names can live, all but by id for ever", async () => {
    let nowMs = START_MS;
    const { keys } = await open(() => nowMs);
    await keys.revoke({ selector: { id: "key-1" }, iss: "urn:issuer", atMs: START_MS });
    nowMs += 902_000;
    await keys.revoke({ selector: { id: "key-2" }, iss: "urn:issuer", atMs: nowMs });
    equal(keys.stateOf(FACTS), "revoked");
    await keys.revoke({ selector: { user: "ada" }, iss: "urn:issuer", atMs: nowMs });
    nowMs += 365 * 86_400_000;
    await keys.revoke({ selector: { id: "key-3" }, iss: "urn:issuer", atMs: nowMs });
    equal(keys.stateOf(FACTS), "revoked");
  });

  test("what is revoked, restored or closed stands in the view at once, before anybody has waited", async () => {
    const { keys } = await at();
    const revoked = keys.revoke({ selector: { user: "ada" }, iss: "urn:issuer", atMs: START_MS });
    equal(keys.stateOf(FACTS), "revoked");
    await revoked;
    const restored = keys.restore({ user: "ada" }, "urn:issuer");
    equal(keys.stateOf(FACTS), "live");
    equal(await restored, 1);
    keys.close({ iss: "urn:issuer", id: "key-1", expiresAtMs: START_MS + 10_000 });
    equal(keys.stateOf(FACTS), "closed");
  });

  test("revoking twice stands once", async () => {
    const { keys } = await at();
    await keys.revoke({ selector: { agent: "bot" }, iss: "urn:issuer", atMs: START_MS });
    await keys.revoke({ selector: { agent: "bot" }, iss: "urn:issuer", atMs: START_MS + 1 });
    equal(keys.revocations().length, 1);
  });

  useCounterContract({ test, open });
}
