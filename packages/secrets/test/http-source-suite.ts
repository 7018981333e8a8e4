import { expect, test } from "vitest";
import type { SourceUnderTest } from "../src/testing/index.ts";
import { type Answer, localServer, type LocalServer } from "./local-server.ts";
import { refusedBy } from "./refused-by.ts";

/** A manager that is asked by this package's own reader, and what it must never show. */
export interface HttpSource extends SourceUnderTest {
  readonly server: LocalServer;
  readonly hidden: readonly string[];
}

/** What every source does that asks over HTTP, whatever its vendor's API is. */
export function httpSourceSuite(open: () => HttpSource): void {
  async function holding(value: string): Promise<HttpSource> {
    const one = open();
    await one.set(value);
    // Past what is done once, such as a login.
    await one.source.read();
    one.server.asked.length = 0;
    return one;
  }

  test("when it is throttled it waits as long as it is told, and asks again", async () => {
    const { server, source } = await holding("canary-1");
    server.faults.push({ status: 429, headers: { "retry-after": "1" } });
    const fromMs = performance.now();
    expect((await source.read()).value).toBe("canary-1");
    expect(performance.now() - fromMs).toBeGreaterThanOrEqual(990);
  });

  test.each([500, 502, 503, 504])("%i is asked again", async (status) => {
    const { server, source } = await holding("canary-2");
    server.faults.push({ status, body: "canary-2" }, { status, body: "canary-2" });
    expect((await source.read()).value).toBe("canary-2");
  });

  test("but not for ever, and then it is out of reach", async () => {
    const { server, source, hidden } = await holding("canary-3");
    const fault: Answer = { status: 503, body: "canary-3" };
    server.faults.push(fault, fault, fault, fault);
    expect(await refusedBy(source, hidden)).toBe("is out of reach (status 503)");
    expect(server.asked).toHaveLength(4);
    expect(server.faults).toHaveLength(0);
  });

  test.each([
    [400, "cannot be read (status 400)"],
    [403, "access is denied (status 403)"],
    [418, "cannot be read (status 418)"],
  ])("%i is final, and its body is not told", async (status, why) => {
    const { server, source, hidden } = await holding("canary-4");
    server.faults.push({ status, body: { message: ["canary-4", ...hidden].join(" ") } });
    expect(await refusedBy(source, hidden)).toBe(why);
    expect(server.asked).toHaveLength(1);
  });

  test("a redirect is not followed, with a credential least of all", async () => {
    await using elsewhere = await localServer(() => ({ status: 200 }));
    const { server, source, hidden } = await holding("canary-5");
    for (const status of [301, 302, 307, 308]) {
      server.faults.push({ status, headers: { location: elsewhere.url } });
      expect(await refusedBy(source, hidden)).toBe(`cannot be read (status ${status})`);
    }
    expect(elsewhere.asked).toHaveLength(0);
  });

  test.each<[string, unknown]>([
    ["nothing", ""],
    ["no JSON", '{"value":"canary-6'],
    ["a list", "[]"],
    ["null", "null"],
    ["something else", {}],
    ["too much", "x".repeat(1_100_000)],
  ])("an answer that is %s is refused", async (_, body) => {
    const { server, source, hidden } = await holding("canary-6");
    server.faults.push({ status: 200, body });
    expect(await refusedBy(source, hidden)).not.toBe("");
  });

  test("who gives up while it is asked gets the reason", async () => {
    const { source, server } = await holding("canary-7");
    const controller = new AbortController();
    server.faults.push({ status: 503, headers: { "retry-after": "5" } });
    const reading = source.read({ signal: controller.signal });
    controller.abort(new Error("enough"));
    await expect(reading).rejects.toThrow("enough");
  });
}
