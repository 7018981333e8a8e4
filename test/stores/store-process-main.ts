import { AgentKeyError, type Reservation } from "@agent-keys/core";
import { openStore, type StoreAt } from "./store-at.ts";
import type { Order, Outcome } from "./store-process.ts";

const store = await openStore(JSON.parse(process.argv[2] ?? "null") as StoreAt);
const reserved: Reservation[] = [];

process.on("message", (order: Order) => {
  void answer(order).then((outcome) => process.send?.(outcome));
});
process.send?.([]);

async function answer(order: Order): Promise<Outcome> {
  switch (order.do) {
    case "reserve":
      return Promise.all(Array.from({ length: order.times }, () => told(() => reserve(order))));
    case "settle":
      return Promise.all(reserved.splice(0).map((one) => told(() => settle(one, order.how))));
    case "revoke":
      return [await told(async () => store.keys.revoke(order.revocation))];
    case "close":
      return [await told(async () => store.keys.close(order))];
    case "stateOf":
      return [await told(async () => store.keys.stateOf(order.facts))];
  }
}

async function reserve({ charges }: Extract<Order, { do: "reserve" }>): Promise<string> {
  const outcome = await store.uses.reserve(charges);
  if (typeof outcome === "string") return outcome;
  if ("refusal" in outcome) return outcome.refusal;
  reserved.push(outcome);
  return "reserved";
}

async function settle(reservation: Reservation, how: "commit" | "release"): Promise<string> {
  await reservation[how]();
  return how;
}

async function told(work: () => Promise<string | void>): Promise<string> {
  try {
    return (await work()) ?? "done";
  } catch (error) {
    return error instanceof AgentKeyError ? error.code : String(error);
  }
}
