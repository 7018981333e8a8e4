import type { Broker, BrokerOptions } from "@agent-keys/broker";
import { AgentKeyError, type SecretSource } from "@agent-keys/core";
import { say } from "../complain.ts";
import { ConsoleError } from "../console-error.ts";
import { CONFIG_FILE, loadConfig } from "../load-config.ts";
import { openBroker } from "../open-broker.ts";
import { parseFlags } from "../parse-flags.ts";
import { readEnvFile } from "../read-env-file.ts";
import { secretSources } from "../secret-sources.ts";
import { stopSignal } from "../stop-signal.ts";
import type { Terminal } from "../terminal.ts";

/** Starts the broker that a configuration describes, and runs it until it is told to stop. */
export async function broker(args: readonly string[], to: Terminal): Promise<number> {
  const { config, envFile, given, ...listening } = brokerArguments(args);
  if (envFile !== undefined) readEnvFile(envFile, to);
  const loaded = await loadConfig(config);
  // Once: the broker closes them, and what one of them leases is leased for both who read it here.
  const secrets = await secretSources(config, loaded, given);
  const options = { ...loaded, ...listening, secrets };
  // From here on a signal waits for the broker to be up, and then stops it in order.
  const stopped = stopSignal(to);
  await using running = await openBroker(config, options);
  const { url } = await listen(running, options);
  say(to, `broker on ${url}, ${counted(options)}`);
  void tellMissingSecrets(secrets, to);
  await stopped;
  say(to, "stopping when the requests in flight are done; once more stops at once");
  await running.close();
  return 0;
}

const one = { type: "string" } as const;
const several = { type: "string", multiple: true } as const;
const OPTIONS = { config: one, "env-file": one, port: one, host: one, secret: several } as const;

interface BrokerArguments {
  readonly config: string;
  readonly envFile?: string;
  /** References to secrets, by service. */
  readonly given: ReadonlyMap<string, string>;
  readonly port?: number;
  readonly host?: string;
}

function brokerArguments(args: readonly string[]): BrokerArguments {
  const { values } = parseFlags(args, { command: "broker", options: OPTIONS, valueHint });
  const { config = CONFIG_FILE, "env-file": envFile, port, host, secret = [] } = values;
  return {
    config,
    given: new Map(secret.map(secretFlag)),
    ...(envFile === undefined ? {} : { envFile }),
    ...(port === undefined ? {} : { port: portNumber(port) }),
    ...(host === undefined ? {} : { host }),
  };
}

/** What follows the service is not quoted: it may be the credential. */
function secretFlag(text: string): readonly [service: string, reference: string] {
  const [, service, reference] = /^([a-z0-9][a-z0-9_-]*)=(.+)$/s.exec(text) ?? [];
  if (service !== undefined && reference !== undefined) return [service, reference];
  throw new ConsoleError("--secret must be service=reference", valueHint("secret"));
}

function valueHint(flag: string): string {
  if (flag === "secret") return "where to read it, as in --secret github=env:GITHUB_TOKEN";
  if (flag === "port") return "a number from 0 to 65535; 0 takes any that is free";
  if (flag === "host") return "an address of this machine, as in --host 127.0.0.1";
  if (flag === "env-file") return "the path of a file, as in --env-file .env.broker";
  return `the path of a file, as in --config ${CONFIG_FILE}`;
}

function portNumber(text: string): number {
  if (/^\d{1,5}$/.test(text) && Number(text) <= 65_535) return Number(text);
  throw new ConsoleError(`--port cannot be "${text}"`, valueHint("port"));
}

async function listen(running: Broker, { host, port }: BrokerOptions): Promise<{ url: string }> {
  try {
    return await running.listen();
  } catch (error) {
    const { code, address = host, port: tried = port } = error as ListenError;
    if (code === undefined) throw error;
    const where = `${address ?? "127.0.0.1"}:${tried ?? 4949}`;
    const [why, hint] = WHY_NOT[code] ?? [`cannot be listened on (${code})`, OTHER_PORT];
    throw new ConsoleError(`${where} ${why}`, hint);
  }
}

type ListenError = NodeJS.ErrnoException & { readonly address?: string; readonly port?: number };

const OTHER_PORT = "--port names another, which the agents' AGENT_KEYS_BROKER must name too";
const WHY_NOT: Readonly<Record<string, readonly [why: string, hint: string]>> = {
  EADDRINUSE: ["is in use", OTHER_PORT],
  EACCES: ["may not be listened on by this user", OTHER_PORT],
  EADDRNOTAVAIL: ["is no address of this machine", "--host names one; default 127.0.0.1"],
};

function counted({ services, issuers }: BrokerOptions): string {
  const count = (many: number, what: string): string => `${many} ${what}${many === 1 ? "" : "s"}`;
  return `${count(services.length, "service")}, ${count(Object.keys(issuers).length, "issuer")}`;
}

/** A secret that is not there yet refuses requests, which is better known now than then. */
async function tellMissingSecrets(
  secrets: Readonly<Record<string, SecretSource>>,
  to: Terminal,
): Promise<void> {
  for (const [service, source] of Object.entries(secrets)) {
    try {
      await source.read({ signal: AbortSignal.timeout(10_000) });
    } catch (error) {
      const why = error instanceof AgentKeyError ? (error.cause as Error | undefined) : undefined;
      const hint = `${toDoFor(source.name)}; until then, its requests are refused`;
      say(to, `secrets.${service} cannot be read: ${why?.message ?? source.name}`, hint);
    }
  }
}

function toDoFor(source: string): string {
  const [, kind, what] = /^(env|file):(.*)$/s.exec(source) ?? [];
  if (kind === "env") return `set ${what} for the broker, as in --env-file .env.broker`;
  if (kind === "file") return `write it to ${what}, a file of this user, mode 0600`;
  return "bring its source back";
}
