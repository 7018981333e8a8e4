import { AgentKeyError } from "../errors.ts";
import { requireBoolean } from "../known-options.ts";
import type { SecretInput } from "../secret-source.ts";
import { isSecure } from "../secure-url.ts";
import { openEgress, type Egress } from "./egress.ts";
import { type ConnectableService, CONNECT } from "./in-process.ts";
import { proxyInTheWay } from "./proxy.ts";
import type { Reach } from "./reach.ts";
import { secretInputs } from "./secret-inputs.ts";
import type { ServiceAddress } from "./services.ts";

/** How keys are used: through a broker, or, for development, with its engine in this process. */
export interface BrokerOptions {
  /**
   * The broker that `key.fetch` and `keyFetch` send to: its origin, https, or http on loopback. Default:
   * `AGENT_KEYS_BROKER` from the environment, unless there are `services`. It is told of closed keys and
   * of revocations, and is the default `audience`; `unbound` then defaults to `"audience"`.
   */
  readonly broker?: string | URL | undefined;
  /**
   * Services, made by `defineService` of `@agent-keys/broker`, to be reached from this process itself. For
   * development: the secrets are then in the process of the agent.
   */
  readonly services?: readonly ServiceAddress[] | undefined;
  /**
   * The credential of each of `services`, by its name: a source, or a reference to one, such as
   * `"env:GITHUB_TOKEN"`. Default: what `AGENT_KEYS_SECRET_<SERVICE>` in the environment refers to.
   */
  readonly secrets?: Readonly<Record<string, SecretInput>> | undefined;
  /**
   * Lets the global `fetch` go through the broker, for calls under one of these keys that are for a
   * service of its grants. A convenience, not a boundary: `node:http`, and whoever kept the original,
   * are not covered. Default `false`.
   */
  readonly ambientFetch?: boolean | undefined;
  /** Whether `key.fetch` and the ambient `fetch` may ask other hosts, without the key. Default `"deny"`. */
  readonly egress?: "deny" | "allow" | undefined;
  /**
   * Hosts that may be asked whatever `egress` says, as a URL writes them: `"example.com"`,
   * `"localhost:3000"`. Default: none.
   */
  readonly allowHosts?: readonly string[] | undefined;
}

/** The same, checked. */
export interface BrokerPlan {
  readonly kind: "none" | "broker" | "in process";
  /** The origin that requests go to, which is the default audience. */
  readonly origin: string;
  readonly services: readonly ConnectableService[];
  readonly secrets: Readonly<Record<string, SecretInput>>;
  readonly ambient: boolean;
  readonly egress: Egress;
}

export const BROKER_OPTIONS: readonly (keyof BrokerOptions)[] = [
  "broker",
  "services",
  "secrets",
  "ambientFetch",
  "egress",
  "allowHosts",
];

/** The variable that names the broker. */
const ENVIRONMENT = "AGENT_KEYS_BROKER";

/** On no network (RFC 6761 §6.4): what is meant for it and goes elsewhere goes nowhere. */
const IN_PROCESS = "https://agent-keys.invalid";

/**
 * Reads the options.
 *
 * @throws TypeError naming the option.
 */
export function planBroker(
  options: BrokerOptions,
  environment: Readonly<Record<string, string | undefined>> = process.env,
): BrokerPlan {
  const { broker, services, secrets, ambientFetch = false, egress, allowHosts } = options;
  requireBoolean("ambientFetch", ambientFetch);
  const common = { ambient: ambientFetch, egress: openEgress(egress, allowHosts) };
  if (services !== undefined) {
    if (broker !== undefined) throw wrong("services", "and broker: there can be only one of them");
    const connectable = requireServices(services);
    const names = connectable.map(({ name }) => name);
    const own = Object.freeze(Object.fromEntries(secretInputs(secrets, names, environment)));
    return {
      ...common,
      kind: "in process",
      origin: IN_PROCESS,
      services: connectable,
      secrets: own,
    };
  }
  if (secrets !== undefined) throw wrong("secrets", "are for services, of which there are none");
  const none = { ...common, services: [], secrets: {} };
  const fromEnvironment = environment[ENVIRONMENT] ?? "";
  if (broker !== undefined) {
    return { ...none, kind: "broker", origin: originOf(broker, "broker") };
  }
  if (fromEnvironment !== "") {
    return { ...none, kind: "broker", origin: originOf(fromEnvironment, ENVIRONMENT) };
  }
  const without = Object.entries({ ambientFetch: ambientFetch || undefined, egress, allowHosts });
  const stated = without.find(([, value]) => value !== undefined);
  if (stated !== undefined)
    throw wrong(stated[0], `needs a broker (or ${ENVIRONMENT}), or services`);
  return { ...none, kind: "none", origin: "" };
}

function originOf(input: unknown, option: string): string {
  const text = input instanceof URL ? input.href : input;
  const url = typeof text === "string" ? URL.parse(text) : null;
  if (url === null || !isSecure(url))
    throw wrong(option, "must be an https URL (http only on loopback)");
  // Nothing else may be in it; a user name or password least of all, and none is quoted here.
  if (url.href !== `${url.origin}/`)
    throw wrong(option, "must be an origin, such as http://127.0.0.1:4949");
  const proxy = proxyInTheWay(url);
  if (proxy !== undefined) throw wrong(option, proxy);
  return url.origin;
}

function requireServices(services: unknown): readonly ConnectableService[] {
  if (!Array.isArray(services) || services.length === 0) {
    throw wrong("services", "must be a list with at least one service");
  }
  const names = new Set<string>();
  for (const [index, service] of services.entries()) {
    if (!isConnectable(service)) {
      throw wrong(`services[${index}]`, "must come from defineService() of @agent-keys/broker");
    }
    if (names.has(service.name)) throw wrong(`services[${index}]`, `is another ${service.name}`);
    names.add(service.name);
  }
  return services as readonly ConnectableService[];
}

function isConnectable(service: unknown): service is ConnectableService {
  if (typeof service !== "object" || service === null) return false;
  const { name, baseUrl, [CONNECT]: connect } = service as Partial<ConnectableService>;
  return typeof name === "string" && baseUrl instanceof URL && typeof connect === "function";
}

/** Where clients are to send what is for a service. */
export function baseUrlAt(reach: Reach | undefined, service: string): string {
  if (typeof service !== "string" || !/^[a-z0-9][a-z0-9_-]*$/.test(service)) {
    throw wrong("service", "must be the name of a service, such as github");
  }
  if (reach === undefined) throw new AgentKeyError("no_broker");
  const names = reach.services.known()?.map(({ name }) => name);
  if (names?.includes(service) === false) {
    throw wrong("service", `there is no ${service.slice(0, 100)}; there are ${names.join(", ")}`);
  }
  if (!reach.hasAddress) {
    const detail =
      "services are connected in process: there is no address to send to, use keyFetch";
    throw new AgentKeyError("no_broker", { detail });
  }
  return `${reach.origin}/${service}`;
}

function wrong(option: string, what: string): TypeError {
  return new TypeError(`${option}: ${what}`);
}
