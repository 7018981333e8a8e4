import { Agent } from "node:http";
import { join } from "node:path";
import type { AgentKey, AgentKeys } from "@agent-keys/core";
import type { Seeded } from "../../seeded.ts";
import { type Answer, ask } from "../ask.ts";
import { AGENT, type Issuer, ISSUER } from "../issuer.ts";
import { type BrokerProcess, startBroker } from "../started-broker.ts";
import { followIntents } from "./intents.ts";
import { type Ledger, openLedger } from "./ledger.ts";

/** A key that was minted, what it may be used for, and in which life of the broker. */
interface Minted {
  readonly id: string;
  readonly token: string;
  /** `undefined`: as often as one likes. */
  readonly uses: number | undefined;
  readonly life: number;
}

/** What came of one broker that was killed again and again. */
export interface Lane {
  readonly audit: string;
  readonly keys: readonly Minted[];
  readonly ledger: Ledger;
  readonly kills: number;
  /** Codes of keys with a use limit that were shown to a later life. */
  readonly afterwards: ReadonlyMap<string, number>;
  /** Answers to keys without one, shown to a later life. */
  readonly unlimited: ReadonlyMap<string, number>;
  /** Requests that the upstream saw and whose client got no answer. */
  readonly cutOff: number;
  /** Users whose revocation was acknowledged, and the answers that their keys got later. */
  readonly revoked: ReadonlyMap<string, readonly string[]>;
}

const SECRET = "canary-secret-of-the-lane";
const CLIENTS = 6;
const LONGEST_LIFE_MS = 120;
const USES: readonly (number | undefined)[] = [1, 1, 1, 3, undefined];

/** Lets a broker live under load and die, so many times. */
export async function runLane(
  directory: string,
  lives: number,
  issuer: Issuer,
  random: Seeded,
): Promise<Lane> {
  const audit = join(directory, "audit.jsonl");
  const intents = followIntents(audit);
  const ledger = await openLedger(SECRET, () => intents, random);
  const keys: Minted[] = [];
  const afterwards = new Map<string, number>();
  const unlimited = new Map<string, number>();
  const revoked = new Map<string, string[]>();
  const opening = {
    issuer: ISSUER,
    agent: AGENT,
    jwks: issuer.jwks,
    upstream: ledger.url,
    secret: SECRET,
    audit,
    revocationsFile: join(directory, "revocations.jsonl"),
  };
  let port = 0;
  let kills = 0;
  let cutOff = 0;
  let next = startBroker();
  for (let life = 0; life < lives; life += 1) {
    const broker = await next;
    next = startBroker();
    const url = await broker.open({ ...opening, port });
    port = Number(new URL(url).port);
    const minting = issuer.keysFor(url);
    const agent = new Agent({ keepAlive: true });
    const call = ({ id, token }: Minted): Promise<Answer | undefined> =>
      ask(`${url}/tickets/tickets/${id}`, token, { agent }).catch(() => undefined);
    await showOldOnes(call);
    await revokeOne(url, life);
    const dead = new Promise<void>((resolve) => {
      setTimeout(() => resolve(broker.kill()), random.next() * LONGEST_LIFE_MS);
    });
    await Promise.all([
      dead,
      ...Array.from({ length: CLIENTS }, () => load(broker, minting, life, call)),
    ]);
    agent.destroy();
    kills += 1;
  }
  await (await next).kill();
  intents.close();
  return { audit, keys, ledger, kills, afterwards, unlimited, cutOff, revoked };

  /** Mints and asks until the broker is gone. Some ask several times at once, and once more. */
  async function load(
    broker: BrokerProcess,
    minting: AgentKeys,
    life: number,
    call: (key: Minted) => Promise<Answer | undefined>,
  ): Promise<void> {
    while (!broker.dead) {
      const uses = random.pick(USES);
      const key = minted(mint(minting, uses), uses, life);
      keys.push(key);
      const atOnce = random.chance(0.3) ? 4 : 1;
      const answers = await Promise.all(Array.from({ length: atOnce }, () => call(key)));
      if (answers.includes(undefined) && ledger.of(key.id) > 0) cutOff += 1;
      if (random.chance(0.3)) await call(key);
    }
  }

  /** Those of the last life first: they may have been in the middle of their use. */
  async function showOldOnes(call: (key: Minted) => Promise<Answer | undefined>): Promise<void> {
    const old = [
      ...keys.slice(-12),
      ...Array.from({ length: 4 }, () => random.pick([...keys, undefined])),
    ];
    await Promise.all(
      old.map(async (key) => {
        if (key === undefined) return;
        const answer = await call(key);
        const told = key.uses === undefined ? unlimited : afterwards;
        const what = answer?.code ?? String(answer?.status);
        told.set(what, (told.get(what) ?? 0) + 1);
      }),
    );
  }

  /** Revokes a user, and shows the keys of those who were revoked in earlier lives. */
  async function revokeOne(url: string, life: number): Promise<void> {
    const everybody = issuer.keysFor(url);
    for (const user of revoked.size === 0 ? [] : [random.pick([...revoked.keys()])]) {
      const { token } = everybody.for({ user }).mint("tickets:read");
      revoked.get(user)?.push((await ask(`${url}/tickets/tickets/revoked`, token)).code ?? "none");
    }
    const user = `user-${life}`;
    const keysAt = issuer.keysAt(url);
    await keysAt.revoke({ user });
    revoked.set(user, []);
  }
}

function mint(keys: AgentKeys, uses: number | undefined): AgentKey {
  const limit = uses === undefined ? {} : { uses };
  return keys.mint({ scope: "tickets:read", expiresIn: "5m", ...limit });
}

function minted({ id, token }: AgentKey, uses: number | undefined, life: number): Minted {
  return { id, token, uses, life };
}
