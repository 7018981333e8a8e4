import { PassThrough } from "node:stream";
import { expect, test } from "vitest";
import { readWhole } from "./read-body.ts";

test("a body that is there is read whole", async () => {
  const body = new PassThrough();
  body.write("one ");
  body.end("two");
  expect((await readWhole(body, 7, 1000)).toString()).toBe("one two");
});

test("one byte too many is refused", async () => {
  const body = new PassThrough();
  body.end("one two!");
  await expect(readWhole(body, 7, 1000)).rejects.toMatchObject({
    error: { code: "request_too_large" },
  });
});

test("a body that breaks off, and one whose end does not come in time, are refused", async () => {
  const broken = new PassThrough();
  broken.write("one");
  const reading = readWhole(broken, 7, 1000);
  broken.destroy();
  await expect(reading).rejects.toMatchObject({
    error: { code: "request_invalid" },
    check: "body",
  });

  const slow = new PassThrough();
  slow.write("one");
  await expect(readWhole(slow, 7, 20)).rejects.toMatchObject({
    error: { code: "request_invalid" },
    check: "time",
    status: 408,
  });
  expect(slow.listenerCount("data")).toBe(0);
});
