import { setImmediate as immediate } from "node:timers/promises";
import { expect, test } from "vitest";
import { testKeys } from "./testing/index.ts";

test("a key that has expired before its timer is set closes at once, and Node warns of nothing", async () => {
  const warnings: string[] = [];
  const onWarning = ({ name }: Error): void => void warnings.push(name);
  process.on("warning", onWarning);
  const ended = Promise.withResolvers<unknown>();
  // As when the loop was blocked for longer than the key's life.
  const keys = testKeys({
    audit: (event) => {
      if (event.type === "key.minted") keys.clock.advance("60s");
      if (event.type === "key.closed") ended.resolve(event.outcome);
    },
  });
  keys.mint("tickets:read");
  expect(await ended.promise).toBe("expired");
  await immediate();
  process.off("warning", onWarning);
  expect(warnings).toEqual([]);
});
