import { PassThrough } from "node:stream";
import type { Dispatcher, Pool } from "undici";
import { expect, test } from "vitest";
import { Exchange } from "./exchange.ts";
import { needlesOf } from "./needles.ts";

test("a client that goes away before there is a connection: nothing is sent when there is one", async () => {
  let handler: Dispatcher.DispatchHandler = {};
  // A pool whose connection is long in coming.
  const pool = {
    dispatch(_options: unknown, given: Dispatcher.DispatchHandler) {
      handler = given;
      return true;
    },
  } as unknown as Pool;
  const out = Object.assign(new PassThrough(), { headersSent: false, writeHead: () => undefined });
  const base = new URL("http://127.0.0.1:1");
  const exchange = new Exchange({
    pool,
    sending: { options: { method: "GET", path: "/" }, needles: needlesOf(["a-secret-1234"]) },
    out,
    places: { asked: "/", base, broker: "http://127.0.0.1:2/x", pageLinks: "as-given" },
    resend: undefined,
  });
  out.destroy();
  expect(await exchange.ended).toMatchObject({ sent: false, status: 0 });
  const aborted: Error[] = [];
  const controller = {
    aborted: false,
    paused: false,
    reason: null,
    abort: (reason: Error) => void aborted.push(reason),
    pause: () => undefined,
    resume: () => undefined,
  };
  handler.onRequestStart?.(controller, {});
  expect(aborted).toHaveLength(1);
});
