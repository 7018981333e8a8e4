import { expect, test } from "vitest";
import { rotateUnderLoad } from "../../secrets/rotated.ts";

test.each([
  ["that the manager says expires", true],
  ["that the upstream refuses from then on", false],
])(
  "a secret %s is rotated every second, and no request of 200 a second fails",
  async (_, isExpiring) => {
    const seconds = 60;
    const went = await rotateUnderLoad({ seconds, perSecond: 200, isExpiring });
    expect(went.statuses).toEqual({ 200: went.sent });
    expect(went.sent).toBeGreaterThanOrEqual(seconds * 180);
    // It was rotated, and noticed: else this shows nothing.
    expect(went.secrets.length).toBeGreaterThanOrEqual(seconds * 0.8);
    expect(went.reads).toBeGreaterThanOrEqual(seconds / 3);
    expect(isExpiring || went.refusals > 0).toBe(true);
    // Many requests that are refused at once are one read, and not many.
    expect(went.reads).toBeLessThan(went.secrets.length * 10);
    for (const secret of went.secrets) expect(went.record).not.toContain(secret);
  },
);
