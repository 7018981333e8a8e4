import { createSecretKey, KeyObject, randomBytes } from "node:crypto";
import { memoryStore, type SecretSource, type SinkInput, type Store } from "@agent-keys/core";
import {
  type AuditLog,
  type Clock,
  isSecure,
  openAuditLog,
  requireKnown,
  requireStore,
  systemClock,
} from "@agent-keys/core/enforce";
import { configuredSecrets } from "@agent-keys/secrets";
import { checkIssuers } from "./check-issuers.ts";
import type { BrokerOptions } from "./config.ts";
import type { Database } from "./databases/database.ts";
import type { RegisteredIssuer } from "./engine/issuers.ts";
import { type Limits, parseLimits } from "./engine/limits.ts";
import type { Hiding } from "./engine/record.ts";
import type { TlsFiles } from "./server/server.ts";
import type { Service } from "./service/service.ts";

/** What a broker is made of, with what was not said filled in. */
export interface CheckedOptions {
  readonly now: Clock;
  readonly host: string;
  readonly port: number;
  readonly tls: TlsFiles | undefined;
  readonly store: Store;
  readonly services: readonly Service[];
  /** By service. */
  readonly secrets: Readonly<Record<string, SecretSource>>;
  readonly databases: readonly Database[];
  readonly issuers: ReadonlyMap<string, RegisteredIssuer>;
  readonly limits: Limits;
  readonly audit: AuditLog;
  readonly hiding: Hiding;
  readonly publicOrigin: string | undefined;
}

const OPTIONS: readonly (keyof BrokerOptions)[] = [
  "issuers",
  "services",
  "secrets",
  "databases",
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

/**
 * The options, looked at as a whole.
 *
 * @throws TypeError naming the one that is wrong.
 */
export function checkOptions(options: BrokerOptions): CheckedOptions {
  requireKnown("createBroker: ", options, OPTIONS);
  const { now = systemClock, host = "127.0.0.1", port = 4949, tls } = options;
  const { store = memoryStore({ now }) } = options;
  if (typeof now !== "function") throw wrong("now", "must be a function");
  requireStore("store", store);
  if (store.close !== undefined && options.revocationsFile !== undefined) {
    throw wrong(
      "revocationsFile",
      "is for a store that forgets; this one keeps revocations itself",
    );
  }
  if (!(Number.isInteger(port) && port >= 0 && port <= 65_535)) throw wrong("port", "is no port");
  if (typeof host !== "string" || host === "") throw wrong("host", "must be a name or an address");
  if (tls !== undefined) requireKnown("tls.", tls, ["cert", "key"]);
  if (!LOOPBACK.has(host) && tls === undefined && options.behindTls !== true) {
    throw wrong("host", "is not loopback: keys need tls, or behindTls: true");
  }
  const services = checkServices(options);
  const databases = checkDatabases(options);
  return {
    now,
    host,
    port,
    tls,
    store,
    services,
    secrets: checkSecrets(options, services),
    databases,
    issuers: checkIssuers(options.issuers, [...services, ...databases]),
    limits: parseLimits(options.limits),
    audit: openAudit(options, now),
    hiding: checkHiding(options),
    publicOrigin: publicOrigin(options),
  };
}

const LOOPBACK: ReadonlySet<string> = new Set(["localhost", "127.0.0.1", "::1"]);

function checkServices({ services }: BrokerOptions): readonly Service[] {
  if (!Array.isArray(services) || services.length === 0) throw wrong("services", "is empty");
  const list: readonly Service[] = services;
  const names = new Set<string>();
  for (const { name } of list) {
    if (names.has(name)) throw wrong("services", `two are called ${name}`);
    names.add(name);
  }
  if (names.has("healthz")) throw wrong("services", "healthz is the broker's own path");
  return list;
}

function checkSecrets(
  { secrets }: BrokerOptions,
  services: readonly Service[],
): Readonly<Record<string, SecretSource>> {
  try {
    return configuredSecrets(
      secrets,
      services.map(({ name }) => name),
    );
  } catch (error) {
    if (!(error instanceof TypeError)) throw error;
    throw new TypeError(`createBroker: ${error.message}`, { cause: error });
  }
}

function checkDatabases({ databases = [], services }: BrokerOptions): readonly Database[] {
  if (!Array.isArray(databases)) throw wrong("databases", "must be a list");
  const list: readonly Database[] = databases;
  const names = new Set(services.map(({ name }) => name));
  for (const { name } of list) {
    if (names.has(name)) throw wrong("databases", `another is called ${name}`);
    names.add(name);
  }
  return list;
}

function openAudit({ audit }: BrokerOptions, now: () => number): AuditLog {
  const sinks = Array.isArray(audit) ? (audit as readonly SinkInput[]) : [audit as SinkInput];
  if (audit === undefined || sinks.length === 0) {
    throw wrong("audit", "needs at least one sink, such as fileSink(path)");
  }
  const log = openAuditLog(sinks, now);
  try {
    log.open();
  } catch (error) {
    // Known now, and not when the first request is refused for it.
    throw wrong("audit", `cannot be opened: ${error instanceof Error ? error.message : "failed"}`);
  }
  return log;
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
