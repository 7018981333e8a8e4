import { fork } from "node:child_process";
import { once } from "node:events";
import type { Charge, KeyFacts, Revocation } from "@agent-keys/core";
import type { StoreAt } from "./store-at.ts";

/** What such a process is asked to do. */
export type Order =
  | { readonly do: "reserve"; readonly charges: readonly Charge[]; readonly times: number }
  | { readonly do: "settle"; readonly how: "commit" | "release" }
  | { readonly do: "revoke"; readonly revocation: Revocation }
  | {
      readonly do: "close";
      readonly iss: string;
      readonly id: string;
      readonly expiresAtMs: number;
    }
  | { readonly do: "stateOf"; readonly facts: KeyFacts };

/** What came of it: for each reservation asked for, `"reserved"`, a refusal or an error's code. */
export type Outcome = readonly string[];

/** A process that has opened the store and does what it is told, one order after the other. */
export interface StoreProcess extends AsyncDisposable {
  ask(order: Order): Promise<Outcome>;
  /** A `KeyState`, or the code of why it cannot be told. */
  state(facts: KeyFacts): Promise<string>;
  /** Ends it at once. What it was doing, nobody knows. */
  kill(): Promise<void>;
  send(signal: "SIGSTOP" | "SIGCONT"): void;
}

/** Starts one. @throws Error when it ended before it was ready. */
export async function startStoreProcess(at: StoreAt): Promise<StoreProcess> {
  const child = fork(new URL("store-process-main.ts", import.meta.url), [JSON.stringify(at)], {
    stdio: ["ignore", "inherit", "inherit", "ipc"],
  });
  const ended = once(child, "exit");
  const answer = (): Promise<Outcome> => {
    const { promise, resolve, reject } = Promise.withResolvers<Outcome>();
    child.once("message", (message) => resolve(message as Outcome));
    void ended.then(() => reject(new Error("the process ended")));
    return promise;
  };
  const ask = (order: Order): Promise<Outcome> => {
    const answered = answer();
    child.send(order);
    return answered;
  };
  await answer();
  return {
    ask,
    async state(facts) {
      const [state = ""] = await ask({ do: "stateOf", facts });
      return state;
    },
    async kill() {
      child.kill("SIGKILL");
      await ended;
    },
    send: (signal) => void child.kill(signal),
    async [Symbol.asyncDispose]() {
      child.kill("SIGKILL");
      await ended;
    },
  };
}
