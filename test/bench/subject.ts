import { generateKeyPairSync, type KeyObject } from "node:crypto";
import {
  type AgentKeys,
  createAgentKeys,
  type Policy,
  type SinkInput,
  type Store,
} from "@agent-keys/core";

/** A ceiling as an application has one: a constrained service, another, and something denied. */
export const policy: Policy = {
  "support-bot": {
    allow: [
      { scope: "tickets:*", where: { ticketId: { prefix: "t-" } } },
      { scope: "docs:search" },
    ],
    deny: ["tickets:delete"],
  },
};

/** The input of every tool call that is measured. */
export const INPUT = { ticketId: "t-1042" };

/** What is measured, with the key that signs, which the floors use as well. */
export interface Subject {
  readonly keys: AgentKeys;
  readonly privateKey: KeyObject;
  readonly publicKey: KeyObject;
}

/** Keys of an agent under a policy, with a user and a run. */
export function openSubject(audit: SinkInput, now?: () => number, store?: Store): Subject {
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const keys = createAgentKeys({
    agent: "support-bot",
    user: "u-17",
    txn: "run-2026-11-23",
    policy,
    audience: "https://tickets.example",
    signingKey: privateKey,
    audit,
    ...(now === undefined ? {} : { now }),
    ...(store === undefined ? {} : { store }),
  });
  return { keys, privateKey, publicKey };
}

/**
 * The same keys with nothing to put on record. No option does this, so it reaches inside: what is left is
 * a mint alone, which otherwise makes and hashes its line whatever the sink does.
 */
export function withoutAudit(subject: Subject): Subject {
  const nothing = (): void => undefined;
  const { issuer } = Reflect.get(subject.keys, Symbol.for("agent-keys.internals.v1")) as {
    readonly issuer: { audit: object };
  };
  issuer.audit = { intent: nothing, refusal: nothing, outcome: nothing };
  return subject;
}
