import { afterAll, beforeAll, describe, expect, test } from "vitest";
import { bytesOf, type DesyncCase, desyncCorpus } from "./desync-corpus.ts";
import { OUTCOMES } from "./desync-outcomes.ts";
import { sendBytes } from "./raw-client.ts";
import { allowed, openStand, type Stand } from "./stand.ts";

const corpus = desyncCorpus();

describe.skipIf(corpus === undefined)("http-desync-guardian's cases, over a raw socket", () => {
  let stand: Stand;
  beforeAll(async () => {
    stand = await openStand();
  });
  afterAll(() => stand[Symbol.asyncDispose]());

  /** What became of a case: refused, and how; or sent, and how it was framed. */
  const replay = async (one: DesyncCase, body: "meant" | "hiding"): Promise<string> => {
    const { upstream } = stand;
    upstream.reset();
    const before = allowed(stand).length;
    const bytes = bytesOf(one, stand.mint(), body);
    const { statuses, codes } = await sendBytes(stand.url, [bytes], { firstMs: 1_000, nextMs: 60 });
    const onRecord = allowed(stand).length - before;
    expect(upstream.ambiguous).toEqual([]);
    expect(upstream.requests.length + upstream.begun.length).toBe(onRecord);
    expect(onRecord).toBeLessThanOrEqual(1);
    const [sent] = upstream.requests;
    if (sent === undefined) {
      expect(Buffer.concat(upstream.bytes).toString()).toBe("");
      return statuses.length === 0 ? "closed" : `${statuses[0]} ${codes[0]}`;
    }
    expect(sent.target).not.toContain("hidden");
    return `sent, ${sent.framing}${sent.body.length > 0 ? ` ${sent.body.length}` : ""}`;
  };

  test("the table names every case", () => {
    const names = (corpus ?? []).map(({ file, name }) => `${file}: ${name}`);
    expect(names.length).toBeGreaterThan(100);
    expect(OUTCOMES.map(([name]) => name)).toEqual(names);
  });

  test.each((corpus ?? []).map((one, at) => [at, `${one.file}: ${one.name}`, one] as const))(
    "%i %s",
    async (at, _name, one) => {
      const outcome = await replay(one, "meant");
      const hidden = await replay(one, "hiding");
      // Of the table nobody may ever say that a severe case is served.
      const may = one.tier === "Severe" ? /^(?:4\d\d |closed$)/ : /^(?:4\d\d |closed$|sent, )/;
      expect(outcome).toMatch(may);
      expect(hidden).toMatch(may);
      expect([outcome, hidden]).toEqual(OUTCOMES[at]?.slice(1, 3));
    },
  );
});
