import type { AgentKeyErrorCode } from "@agent-keys/core";
import { describe, expect, test, vi } from "vitest";
import { type Desk, NOW, openDesk, refused, SERVED } from "./desk.ts";

/** The wall clock, before the library is loaded: what the tests do to it is what a machine does. */
const wall = vi.hoisted(() => {
  const real = Date.now.bind(Date);
  const clock = { offsetMs: 0 };
  Date.now = () => real() + clock.offsetMs;
  return clock;
});

const SECONDS = NOW / 1000;

async function withDesk<T>(use: (desk: Desk, clock: { nowMs: number }) => Promise<T>): Promise<T> {
  const clock = { nowMs: NOW };
  await using desk = await openDesk({ now: () => clock.nowMs });
  return await use(desk, clock);
}

describe("exp that is missing, far, or no time", () => {
  const exps: readonly unknown[] = [
    [undefined, null, "", String(SECONDS + 10), [SECONDS + 10], {}, true, -1, 0],
    [SECONDS + 900.001, SECONDS + 3600, SECONDS * 1000, 2 ** 53, 1e300],
  ].flat();
  test.each(exps.map((exp) => [JSON.stringify(exp), exp] as const))("%s", async (_, exp) => {
    await withDesk(async (desk) => {
      const { code, bodies } = await desk.attempt(desk.forge({ ...desk.parts().claims, exp }));
      // Zero is a time, and long ago.
      expect([code, bodies]).toEqual([exp === 0 ? "key_expired" : "token_invalid", 0]);
    });
  });

  test.each(["1e999", "-1e999", "0x7fffffff", "NaN", "Infinity", "1767225610n"])(
    "%s as it stands in the JSON",
    async (text) => {
      await withDesk(async (desk) => {
        const claims = JSON.stringify(desk.parts().claims).replace(/"exp":[\d.]+/, `"exp":${text}`);
        expect(await desk.attempt(desk.forge(claims))).toEqual(refused());
      });
    },
  );

  test("as long as a key may live, and a millisecond more from either beginning", async () => {
    await withDesk(async (desk) => {
      const { claims } = desk.parts();
      const token = (over: object): string => desk.forge({ ...claims, ...over });
      expect(await desk.attempt(token({ exp: SECONDS + 900 }))).toEqual(SERVED);
      for (const early of ["iat", "nbf"]) {
        const over = { exp: SECONDS + 900, [early]: SECONDS - 0.001 };
        expect(await desk.attempt(token(over))).toEqual(refused());
      }
    });
  });
});

describe("a verifier whose clock is off", () => {
  const rows: readonly (readonly [string, number, string])[] = [
    ["5 minutes behind", -300_000, "token_invalid"],
    ["2.001 s behind", -2001, "token_invalid"],
    ["2 s behind", -2000, "served"],
    ["right", 0, "served"],
    ["2 s past expiry, less a millisecond", 11_999, "served"],
    ["2 s past expiry", 12_000, "key_expired"],
    ["5 minutes ahead", 300_000, "key_expired"],
    ["a year ahead", 31_536_000_000, "key_expired"],
  ];
  test.each(rows)("%s", async (_, byMs, expected) => {
    await withDesk(async (desk, clock) => {
      const token = desk.keys.mint("tickets:read").token;
      clock.nowMs = NOW + byMs;
      const { code, bodies } = await desk.attempt(token);
      expect([code, bodies]).toEqual([expected, expected === "served" ? SERVED.bodies : 0]);
    });
  });
});

test("a verifier whose clock tells no time lets nothing pass", async () => {
  const { verifyKey } = await import("@agent-keys/core");
  await withDesk(async (desk, clock) => {
    const { iss: issuer, aud: audience } = desk.parts().claims as { iss: string; aud: string };
    const [jwks, token] = [desk.keys.jwks(), desk.forge()];
    let bodies = 0;
    const serve = async (verify: () => Promise<unknown>): Promise<void> => {
      await verify();
      bodies += 1;
    };
    for (const time of [Number.NaN, -Infinity, "now", undefined] as number[]) {
      clock.nowMs = time;
      const now = (): number => time;
      await expect(serve(() => desk.keys.verify(token))).rejects.toThrow(Error);
      await expect(
        serve(() => verifyKey(token, { jwks, issuer, audience, request: undefined, now })),
      ).rejects.toThrow(Error);
    }
    expect(bodies).toBe(0);
    clock.nowMs = NOW;
    await serve(() => desk.keys.verify(token));
    expect(bodies).toBe(1);
  });
});

describe("a wall clock that is set back", () => {
  test("gives no key a longer life: time goes on from where it was", async () => {
    const { createAgentKeys, memorySink } = await import("@agent-keys/core");
    const keys = createAgentKeys({ agent: "bot", policy: "allow-all", audit: memorySink() });
    const key = keys.mint("tickets:read", { expiresIn: 10 });
    let bodies = 0;
    const use = async (): Promise<string> => {
      try {
        await keys.verify(key.token);
      } catch (error) {
        return (error as { code: AgentKeyErrorCode }).code;
      }
      bodies += 1;
      return "served";
    };
    expect(await use()).toBe("served");
    wall.offsetMs = 13_000;
    expect(await use()).toBe("key_expired");
    // An hour, and a day, before it was minted.
    for (const offsetMs of [0, -3_600_000, -86_400_000]) {
      wall.offsetMs = offsetMs;
      expect(await use()).toBe("key_expired");
    }
    expect(bodies).toBe(1);
    // And what is minted now is not dated back, or it would outlive itself once the clock is right.
    const later = keys.mint("tickets:read", { expiresIn: 10 });
    expect(later.expiresAt.getTime()).toBeGreaterThan(key.expiresAt.getTime());
    expect((await keys.verify(later.token)).id).toBe(later.id);
    wall.offsetMs = 0;
  });
});

describe("uses and the clock", () => {
  const request = { scope: "tickets:read" };
  const codeOf = (promise: Promise<unknown>): Promise<string> =>
    promise.then(
      () => "served",
      (error: { code: AgentKeyErrorCode }) => error.code,
    );

  test("a spent use stays spent at every time at which the token is good", async () => {
    await withDesk(async ({ keys }, clock) => {
      const { token } = keys.mint({ ...request, uses: 1, expiresIn: "15m" });
      const spend = () => codeOf(keys.verify(token, { request, consume: true }));
      expect(await spend()).toBe("served");
      for (const byMs of [-2000, 0, 1, 60_000, 899_999, 901_999]) {
        clock.nowMs = NOW + byMs;
        expect([byMs, await spend()]).toEqual([byMs, "key_used_up"]);
      }
      clock.nowMs = NOW + 902_000;
      expect(await spend()).toBe("key_expired");
    });
  });

  test("a store that is minutes ahead of a verifier forgets no use that the verifier would allow", async () => {
    const { memoryStore, verifyKey } = await import("@agent-keys/core");
    const storeClock = { nowMs: NOW };
    const store = memoryStore({ now: () => storeClock.nowMs });
    await using desk = await openDesk({ store });
    const { keys } = desk;
    const [jwks, token] = [keys.jwks(), keys.mint({ ...request, uses: 1 }).token];
    const { iss: issuer, aud: audience } = desk.parts().claims as { iss: string; aud: string };
    let bodies = 0;
    const serve = async (): Promise<void> => {
      await verifyKey(token, {
        jwks,
        issuer,
        audience,
        store,
        request,
        consume: true,
        now: () => NOW,
      });
      bodies += 1;
    };
    expect(await codeOf(serve())).toBe("served");
    storeClock.nowMs = NOW + 4 * 60_000;
    // Another key's use is when a store tidies up.
    await keys.verify(keys.mint({ ...request, uses: 1 }).token, { request, consume: true });
    expect(await codeOf(serve())).toBe("key_used_up");
    expect(bodies).toBe(1);
  });

  test("a key from before a store's epoch is refused, whatever the verifier's clock says", async () => {
    const { memoryStore } = await import("@agent-keys/core");
    await withDesk(async ({ keys }) => {
      const { token } = keys.mint({ ...request, uses: 5 });
      await using restarted = await openDesk({ store: memoryStore({ now: () => NOW + 1 }) });
      const { claims } = restarted.parts();
      const [, payload = ""] = token.split(".");
      const before = JSON.parse(Buffer.from(payload, "base64url").toString()) as object;
      const again = restarted.forge({ ...claims, ...before });
      expect(await codeOf(restarted.keys.verify(again, { request, consume: true }))).toBe(
        "use_unknown",
      );
    });
  });
});
