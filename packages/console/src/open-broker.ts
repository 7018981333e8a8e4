import type { Broker, BrokerOptions } from "@agent-keys/broker";
import { BROKER_FILE } from "./audit-file.ts";
import { ConsoleError } from "./console-error.ts";

/** What every configuration has, and how it may look. */
const MEMBERS = {
  issuers: 'issuers: { "urn:agent-keys:…": { jwks, agents, policy } }; agent-keys init writes one',
  services: "services: [github], from @agent-keys/broker/services",
  audit: `audit: fileSink("${BROKER_FILE}"), from @agent-keys/core`,
} as const;

/**
 * Looks at the whole configuration, before anything listens.
 *
 * @throws ConsoleError for what is wrong in it, by its path there.
 */
export async function openBroker(path: string, options: BrokerOptions): Promise<Broker> {
  requireMembers(path, options);
  // Only now: the commands that read the record do not wait for it.
  const { createBroker } = await import("@agent-keys/broker");
  try {
    return createBroker(options);
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (!(error instanceof TypeError) && code === undefined) throw error;
    const what = `${fileOptionOf(error, options)}${message.replace(/^createBroker: /, "")}`;
    throw new ConsoleError(`${path}: ${what}`, hintFor(what));
  }
}

/** Looks at what would otherwise be found out without saying where. No value is quoted: it may be a secret. */
export function requireMembers(path: string, options: Partial<BrokerOptions>): void {
  const refuse = (what: string, hint: string): never => {
    throw new ConsoleError(`${path}: ${what}`, hint);
  };
  for (const [name, example] of Object.entries(MEMBERS)) {
    const value: unknown = options[name as keyof typeof MEMBERS];
    if (value === undefined) refuse(`${name} is missing`, `as in ${example}`);
  }
  const services: unknown = options.services;
  const list: readonly unknown[] = Array.isArray(services) ? services : [];
  list.forEach((service, index) => {
    if (isService(service)) return;
    refuse(`services[${index}] is not made by defineService()`, `as in ${MEMBERS.services}`);
  });
}

/** What every service carries that `defineService` made. */
const CONNECT = Symbol.for("agent-keys.connect.v1");

function isService(value: unknown): boolean {
  return typeof value === "object" && value !== null && CONNECT in value;
}

/** Which option names the file that the system's error is about. */
function fileOptionOf(error: unknown, { tls, revocationsFile }: BrokerOptions): string {
  const { path } = error as NodeJS.ErrnoException;
  const files = { "tls.cert": tls?.cert, "tls.key": tls?.key, revocationsFile };
  const found = Object.entries(files).find(([, file]) => file !== undefined && file === path);
  return found === undefined ? "" : `${found[0]}: `;
}

function hintFor(what: string): string {
  if (/: no (?:service has|route of)/.test(what)) {
    return "agent-keys services --explain lists scopes and parameters";
  }
  return "put it right and start the broker again";
}
