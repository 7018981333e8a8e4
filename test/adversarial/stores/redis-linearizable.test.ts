import { redisStore } from "@agent-keys/stores/redis";
import { describe, expect, test } from "vitest";
import { isSaid } from "../../servers/is-said.ts";
import { redisMissing, startRedis } from "../../servers/redis.ts";
import { startProxy } from "../../stores/proxy.ts";
import { seeded } from "../seeded.ts";
import { linearization } from "./linearizable.ts";
import { recordHistory } from "./use-counter-history.ts";
import { useCounterModel } from "./use-counter-model.ts";

const HISTORIES = 300;

describe.skipIf(isSaid(redisMissing))("histories of three stores on one Redis", () => {
  test.each([
    ["undisturbed", 0],
    ["with connections dropped and answers lost", 0.5],
  ])("%s, are as if it did one thing at a time", async (_, disturbed) => {
    const random = seeded("Redis", 20_261_126);
    await using server = await startRedis();
    await using proxy = await startProxy(server.port);
    const url = `redis://127.0.0.1:${proxy.port}`;
    await using a = await redisStore({ url });
    await using b = await redisStore({ url });
    await using c = await redisStore({ url });
    const counters = [a.uses, b.uses, c.uses] as const;
    const outcomes = new Map<string, number>();
    for (let which = 0; which < HISTORIES; which += 1) {
      // Answered by all, or the connections that the last one lost are made again in this one.
      for (const counter of counters) while (!(await answers(counter.peek([])))) continue;
      // What is not known may have been or not, which soon is more than can be tried.
      const clients = 2 + random.below(disturbed > 0 ? 3 : 7);
      const recording = recordHistory({ counters, random, clients, prefix: `${which}-` });
      if (random.chance(disturbed)) proxy.loseAnswer(random.pick(["reserved", "settled"]));
      if (random.chance(disturbed)) setTimeout(() => proxy.drop(), random.below(10));
      const history = await recording;
      expect(linearization(history, useCounterModel)).toBeDefined();
      for (const { input, output = "not known" } of history) {
        const what = `${input.ask} ${output}`;
        outcomes.set(what, (outcomes.get(what) ?? 0) + 1);
      }
    }
    console.log(Object.fromEntries(outcomes));
    // Each of them often, or the histories would say little.
    for (const what of ["done", "used_up", "too_many", "unknown"]) {
      expect(outcomes.get(`reserve ${what}`)).toBeGreaterThan(HISTORIES / 4);
    }
    const notKnown = outcomes.get("reserve not known") ?? 0;
    expect(notKnown > 100).toBe(disturbed > 0);
  });
});

async function answers(asking: Promise<unknown>): Promise<boolean> {
  return asking.then(
    () => true,
    () => false,
  );
}
