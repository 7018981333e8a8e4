import { Transform, type Readable } from "node:stream";
import type { HeldBody } from "./held-bodies.ts";
import { asRefused, Refused } from "./refusal.ts";

/** A body larger than it may be. */
export function tooLarge(): Refused {
  return new Refused("request_too_large", "body");
}

/**
 * Reads all of a body. What is not there in time is refused: it takes up memory, and a place.
 *
 * @param cut - Aborts with a Refused to stop at once.
 * @param held - Where its bytes are counted.
 * @throws Refused `request_too_large`, `limit_exceeded`, `request_invalid` when it ends too early or too late, or what cut it.
 */
export async function readWhole(
  body: Readable,
  maxBytes: number,
  withinMs: number,
  cut?: AbortSignal,
  held?: HeldBody,
): Promise<Buffer> {
  const chunks: Buffer[] = [];
  let bytes = 0;
  return new Promise((resolve, reject) => {
    const stop = (why: Refused): void => {
      clearTimeout(late);
      cut?.removeEventListener("abort", onCut);
      body.off("data", take).off("end", finish).off("error", fail).off("close", fail);
      body.pause();
      reject(why);
    };
    const take = (chunk: Buffer): void => {
      bytes += chunk.length;
      if (bytes > maxBytes) return stop(tooLarge());
      if (held?.take(chunk.length) === false) return stop(TOO_MUCH);
      chunks.push(chunk);
    };
    const fail = (): void => stop(new Refused("request_invalid", "body", { detail: "broke off" }));
    const onCut = (): void => stop(asRefused(cut?.reason, "key"));
    const late = setTimeout(() => stop(TOO_LATE), withinMs);
    const finish = (): void => {
      clearTimeout(late);
      cut?.removeEventListener("abort", onCut);
      body.off("data", take).off("error", fail).off("close", fail);
      resolve(chunks.length === 1 && chunks[0] !== undefined ? chunks[0] : Buffer.concat(chunks));
    };
    if (cut?.aborted === true) return onCut();
    cut?.addEventListener("abort", onCut);
    body.on("data", take).once("end", finish).once("error", fail).once("close", fail);
  });
}

const TOO_MUCH = new Refused("limit_exceeded", "limit", { detail: "too much in bodies at once" });

const TOO_LATE = new Refused("request_invalid", "time", {
  detail: "the body took too long",
  status: 408,
});

/** A body whose length nobody stated, which ends as an error when it becomes too long. */
export function bounded(body: Readable, maxBytes: number): Readable {
  let bytes = 0;
  const counter = new Transform({
    transform(chunk: Buffer, _encoding, done) {
      bytes += chunk.length;
      if (bytes > maxBytes) done(tooLarge());
      else done(null, chunk);
    },
  });
  body.once("error", () => counter.destroy(new Error("the body broke off")));
  body.once("close", () => {
    if (!body.readableEnded) counter.destroy(new Error("the body broke off"));
  });
  return body.pipe(counter);
}
