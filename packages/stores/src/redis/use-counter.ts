import { hash } from "node:crypto";
import { setTimeout as elapsed } from "node:timers/promises";
import type { Charge, Reservation, ReserveRefusal, UseCounter } from "@agent-keys/core";
import { LEEWAY_SECONDS, storeError } from "@agent-keys/core/enforce";
import type { Answer, Horizon } from "./horizon.ts";
import { type Line, scriptOf } from "./line.ts";
import { RESERVE, SETTLE } from "./lua.ts";

const RESERVING = scriptOf(RESERVE);
const SETTLING = scriptOf(SETTLE);

/** What the counter needs of the store around it. */
export interface CounterParts {
  readonly line: Line;
  readonly horizon: Horizon;
  /** What all our keys begin with. */
  readonly prefix: string;
}

/** Counts in Redis: each decision is one script there. */
export function redisUseCounter({ line, horizon, prefix }: CounterParts): UseCounter {
  const epochKey = `${prefix}epoch`;
  const nameOf = ({ kind, id }: Charge): string => `${prefix}${kind}:${digest(id)}`;

  const ask = async (
    mode: "reserve" | "peek",
    name: string,
    charges: readonly Charge[],
  ): Promise<Answer> => {
    const keys = [epochKey, ...charges.map(nameOf)];
    const args = [...horizon.head(name), mode, ...charges.flatMap(argumentsOf)];
    return horizon.note(await line.run(RESERVING, keys, args));
  };

  const settle = async (
    name: string,
    charges: readonly Charge[],
    how: "commit" | "release",
  ): Promise<void> => {
    const concerned = charges.flatMap((charge, index) =>
      how === "release" || charge.kind === "intent" ? [{ charge, place: `${index + 2}` }] : [],
    );
    // What stays spent needs no word.
    if (concerned.length === 0) return;
    const keys = concerned.map(({ charge }) => nameOf(charge));
    const args = concerned.flatMap(({ charge, place }) => [charge.kind, place]);
    await line.run(SETTLING, keys, [name, how, ...args]);
  };

  const reservation = (name: string, charges: readonly Charge[]): Reservation => {
    let settledAs: string | undefined;
    let settling: Promise<void> | undefined;
    const once = async (how: "commit" | "release"): Promise<void> => {
      settledAs ??= how;
      if (settledAs !== how) return;
      settling ??= settle(name, charges, how);
      try {
        await settling;
      } catch (cause) {
        // The same may be tried again: done twice it changes nothing. Never the other.
        settling = undefined;
        throw storeError(cause);
      }
    };
    return { commit: () => once("commit"), release: () => once("release") };
  };

  return {
    async reserve(charges) {
      try {
        const name = horizon.name();
        let answer = await ask("reserve", name, charges);
        if (answer.word === "ahead") {
          const aheadMs = Number(answer.rest[0]);
          if (!(aheadMs <= LEEWAY_SECONDS * 1000)) return "unknown";
          await elapsed(aheadMs + 1);
          answer = await ask("reserve", name, charges);
          if (answer.word === "ahead") return "unknown";
        }
        return answer.word === "reserved" ? reservation(name, charges) : refusalOf(answer);
      } catch (cause) {
        throw storeError(cause);
      }
    },
    async peek(charges) {
      try {
        const answer = await ask("peek", horizon.name(), charges);
        return answer.word === "available" ? "available" : refusalOf(answer);
      } catch (cause) {
        throw storeError(cause);
      }
    },
  };
}

function argumentsOf(charge: Charge): readonly string[] {
  const { kind } = charge;
  if (kind === "window") return [kind, `${charge.limit}`, `${charge.windowMs}`, "0"];
  const expires = `${Math.ceil(charge.expiresAtMs)}`;
  if (kind === "intent") return [kind, "0", "0", expires];
  return [kind, `${charge.limit}`, `${charge.mintedAtMs}`, expires];
}

function refusalOf({ word, rest }: Answer): ReserveRefusal {
  if (word === "unknown" || word === "used_up") return word;
  const [retryAfterMs] = rest;
  if (word === "too_many" && typeof retryAfterMs === "number") {
    return { refusal: "too_many", retryAfterMs };
  }
  throw new Error("an answer of no known kind");
}

/** Of one length, whatever the issuer is called: and what is in Redis does not say who did what. */
function digest(id: string): string {
  return hash("sha256", id, "base64url");
}
