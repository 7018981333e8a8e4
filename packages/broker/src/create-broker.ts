import { createSecretKey, KeyObject, randomBytes } from "node:crypto";
import { memoryStore, type SinkInput } from "@agent-keys/core";
import {
  type AuditLog,
  isSecure,
  issuerKeys,
  openAuditLog,
  parsePolicy,
  requireKnown,
  requireStore,
  systemClock,
} from "@agent-keys/core/enforce";
import { requireKnownNames } from "./check-policy.ts";
import type { BrokerOptions, IssuerOptions } from "./config.ts";
import { openEngine } from "./engine/engine.ts";
import type { RegisteredIssuer } from "./engine/issuers.ts";
import { parseLimits } from "./engine/limits.ts";
import { openNotices } from "./engine/notices.ts";
import type { Hiding } from "./engine/record.ts";
import { openRevocationsFile } from "./engine/revocations-file.ts";
import { openServer } from "./server/server.ts";
import type { Service } from "./service/service.ts";

/** A broker. It serves from `listen()` to `close()`. */
export interface Broker extends AsyncDisposable {
  /**
   * Takes requests from now on.
   *
   * @returns Where clients reach it: its origin is the audience of keys.
   * @throws Error (as a rejection) when the address is in use.
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
  const checked = check(options);
  const { services, issuers, store, limits, audit, now, publicOrigin } = checked;
  let url = publicOrigin;
  const audience = (): string => {
    if (url === undefined) throw new Error("the broker does not listen yet");
    return url;
  };
  const file =
    options.revocationsFile === undefined
      ? undefined
      : openRevocationsFile(options.revocationsFile, store);
  const engine = openEngine({
    issuers,
    services,
    secrets: options.secrets,
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
  const { host, port, tls } = checked;
  const server = openServer({ engine, notices, services, host, port, tls, limits });
  let closing: Promise<void> | undefined;
  const close = async (): Promise<void> => {
    await server.close();
    await engine.close();
    await file?.close();
    await audit.flush();
  };
  const broker: Broker = {
    async listen() {
      const bound = await server.listen();
      const scheme = tls === undefined ? "http" : "https";
      url ??= new URL(`${scheme}://${host.includes(":") ? `[${host}]` : host}:${bound}`).origin;
      return { url };
    },
    close: () => (closing ??= close()),
    [Symbol.asyncDispose]: () => (closing ??= close()),
  };
  return Object.freeze(broker);
}

const OPTIONS: readonly (keyof BrokerOptions)[] = [
  "issuers",
  "services",
  "secrets",
  "url",
  "host",
  "port",
  "tls",
  "behindTls",
  "audit",
  "store",
  "limits",
  "revocationsFile",
  "auditKey",
  "redact",
  "now",
];

function check(options: BrokerOptions) {
  requireKnown("createBroker: ", options, OPTIONS);
  const { now = systemClock, host = "127.0.0.1", port = 4949, tls } = options;
  const { store = memoryStore({ now }) } = options;
  if (typeof now !== "function") throw wrong("now", "must be a function");
  requireStore("store", store);
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535)) throw wrong("port", "is no port");
  if (typeof host !== "string" || host === "") throw wrong("host", "must be a name or an address");
  if (tls !== undefined) requireKnown("tls.", tls, ["cert", "key"]);
  if (!LOOPBACK.has(host) && tls === undefined && options.behindTls !== true) {
    throw wrong("host", "is not loopback: keys need tls, or behindTls: true");
  }
  const services = checkServices(options);
  return {
    now,
    host,
    port,
    tls,
    store,
    services,
    issuers: checkIssuers(options, services),
    limits: parseLimits(options.limits),
    audit: openAudit(options, now),
    hiding: checkHiding(options),
    publicOrigin: publicOrigin(options),
  };
}

const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "::1"]);

function checkServices({ services, secrets }: BrokerOptions): readonly Service[] {
  if (!Array.isArray(services) || services.length === 0) throw wrong("services", "is empty");
  const list: readonly Service[] = services;
  const names = new Set<string>();
  requireKnown(
    "secrets.",
    secrets,
    list.map(({ name }) => name),
  );
  for (const { name } of list) {
    if (names.has(name)) throw wrong("services", `two are called ${name}`);
    names.add(name);
    if (!Object.hasOwn(secrets, name)) throw wrong(`secrets.${name}`, "is missing");
  }
  if (names.has("healthz")) throw wrong("services", "healthz is the broker's own path");
  return list;
}

function checkIssuers(
  { issuers }: BrokerOptions,
  services: readonly Service[],
): ReadonlyMap<string, RegisteredIssuer> {
  if (typeof issuers !== "object" || issuers === null || Object.keys(issuers).length === 0) {
    throw wrong("issuers", "is empty: nobody's keys would be accepted");
  }
  return new Map(
    Object.entries(issuers).map(([iss, issuer]) => [iss, checkIssuer(iss, issuer, services)]),
  );
}

function checkIssuer(
  iss: string,
  options: IssuerOptions,
  services: readonly Service[],
): RegisteredIssuer {
  const path = `issuers[${JSON.stringify(iss)}]`;
  requireKnown(`${path}.`, options, ["jwks", "agents", "policy", "algorithm"]);
  const { jwks, agents, algorithm = "Ed25519" } = options;
  if (!Array.isArray(agents) || agents.length === 0 || !agents.every(isAgent)) {
    throw wrong(`${path}.agents`, "must be a list of names; `*` may only end one");
  }
  if (algorithm !== "Ed25519" && algorithm !== "EdDSA") {
    throw wrong(`${path}.algorithm`, 'must be "Ed25519" or "EdDSA"');
  }
  if (options.policy === undefined) {
    throw wrong(`${path}.policy`, 'is missing; "allow-all" must be written');
  }
  const policy = explained(() => parsePolicy(options.policy), path);
  requireKnownNames(policy, services, `${path}.policy`);
  return { iss, findKey: issuerKeys(jwks, `${path}.jwks`), algorithm, agents, policy };
}

function isAgent(name: unknown): boolean {
  return typeof name === "string" && name !== "" && !name.slice(0, -1).includes("*");
}

function explained<T>(parse: () => T, path: string): T {
  try {
    return parse();
  } catch (error) {
    throw error instanceof TypeError ? new TypeError(`${path}.${error.message}`) : error;
  }
}

function openAudit({ audit }: BrokerOptions, now: () => number): AuditLog {
  const sinks = Array.isArray(audit) ? (audit as readonly SinkInput[]) : [audit as SinkInput];
  if (audit === undefined || sinks.length === 0) {
    throw wrong("audit", "needs at least one sink, such as fileSink(path)");
  }
  return openAuditLog(sinks, now);
}

function checkHiding({ redact = [], auditKey = randomBytes(32) }: BrokerOptions): Hiding {
  // A bare name would be taken for the list of its letters, and redact nothing.
  if (!Array.isArray(redact) || !redact.every((name) => typeof name === "string")) {
    throw wrong("redact", "must be a list of names");
  }
  const key = auditKey instanceof KeyObject ? auditKey : createSecretKey(auditKey);
  if (key.type !== "secret" || (key.symmetricKeySize ?? 0) < 32) {
    throw wrong("auditKey", "must be at least 32 bytes");
  }
  return { redact: new Set(redact), auditKey: key };
}

function publicOrigin({ url: text }: BrokerOptions): string | undefined {
  if (text === undefined) return undefined;
  const url = URL.parse(text);
  if (url === null || !isSecure(url)) {
    throw wrong("url", "must be an https URL (http only on loopback): keys are sent to it");
  }
  if (url.pathname !== "/" || url.search !== "" || url.username !== "") {
    throw wrong("url", "must be an origin, without a path");
  }
  return url.origin;
}

function wrong(option: string, what: string): TypeError {
  return new TypeError(`createBroker: ${option}: ${what}`);
}
