import { checkOptions } from "./check-options.ts";
import type { BrokerOptions } from "./config.ts";
import { openDatabases } from "./databases/open-databases.ts";
import { openEngine } from "./engine/engine.ts";
import { type RememberingUses, rememberLatest } from "./engine/latest-minted.ts";
import { openNotices } from "./engine/notices.ts";
import { openRevocationsFile } from "./engine/revocations-file.ts";
import { openServer } from "./server/server.ts";

/** A broker. It serves from `listen()` to `close()`. */
export interface Broker extends AsyncDisposable {
  /**
   * Takes requests from now on.
   *
   * @returns Where clients reach it: its origin is the audience of keys.
   * @throws Error (as a rejection) when the address is in use, or none of this machine; its `code` is the
   * system's.
   */
  listen(): Promise<{ readonly url: string }>;
  /** Finishes the requests in flight, for at most `limits.stopMs`, then ends everything. */
  close(): Promise<void>;
}

/**
 * Creates a broker: verifies keys, decides on requests, puts the real credential in.
 *
 * @throws TypeError naming the option that is wrong, and for a policy the path; also for a policy that
 * names a scope or a parameter which no service has, and for a service without a secret.
 */
export function createBroker(options: BrokerOptions): Broker {
  const checked = checkOptions(options);
  const { services, secrets, issuers, limits, audit, now, publicOrigin } = checked;
  const { revocationsFile } = options;
  const file =
    revocationsFile === undefined
      ? undefined
      : openRevocationsFile(revocationsFile, checked.store, now);
  // A store of the caller's own remembers for itself, or its owner knows that it does not.
  const remembering =
    revocationsFile === undefined || options.store !== undefined
      ? undefined
      : rememberLatest(checked.store.uses, `${revocationsFile}.clock`, now);
  if (remembering !== undefined) tellClock(remembering);
  const store =
    remembering === undefined ? checked.store : { ...checked.store, uses: remembering.uses };
  let url = publicOrigin;
  const audience = (): string => {
    if (url === undefined) throw new Error("the broker does not listen yet");
    return url;
  };
  const engine = openEngine({
    issuers,
    services,
    secrets,
    audience,
    publicUrl: audience,
    store,
    audit,
    hiding: checked.hiding,
    limits,
    now,
  });
  const { verifier, flights } = engine;
  const notices = openNotices({
    issuers,
    audience,
    store,
    audit,
    verifier,
    flights,
    file,
    limits,
    now,
  });
  const { log } = engine;
  const list = checked.databases;
  const databases = openDatabases({ databases: list, verifier, log, store, limits, now });
  const { host, port, tls } = checked;
  const server = openServer({ engine, notices, databases, services, host, port, tls, limits });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await server.close();
    await databases.close();
    await engine.close();
    await file?.close();
    await remembering?.close();
    await audit.flush();
  };
  const broker: Broker = {
    async listen() {
      const bound = await server.listen().catch((error: unknown) => {
        // What it could not begin it need not end well: that would hide why.
        closing ??= close().catch(ignore);
        throw listenError(error, host, port);
      });
      const scheme = tls === undefined ? "http" : "https";
      databases.start();
      url ??= new URL(`${scheme}://${host.includes(":") ? `[${host}]` : host}:${bound}`).origin;
      return { url };
    },
    close: () => (closing ??= close()),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  };
  return Object.freeze(broker);
}

/** The system's error, in words that say what to do. */
function listenError(error: unknown, host: string, port: number): Error {
  if (!(error instanceof Error)) return new Error("the broker cannot listen");
  const { code = "" } = error as NodeJS.ErrnoException;
  const why = WHY_NOT[code];
  if (why === undefined) return error;
  const message = `the broker cannot listen at ${host}, port ${port}: ${why}`;
  return Object.assign(new Error(message, { cause: error }), { code, address: host, port });
}

const WHY_NOT: Readonly<Record<string, string>> = {
  EADDRINUSE:
    "it is in use; stop what listens there, or set another port (0 takes any that is free)",
  EACCES: "this user may not; set a port above 1023",
  EADDRNOTAVAIL: "host is no address of this machine",
};

function tellClock({ behindMs }: RememberingUses): void {
  // Less is what a crash leaves behind.
  if (behindMs <= 5_000) return;
  const seconds = Math.ceil(behindMs / 1000);
  process.stderr.write(
    `agent-keys: the clock was set back: it is ${seconds} s behind the last key that was used; until then, keys with a use limit are refused\n`,
  );
}

function ignore(): void {}
