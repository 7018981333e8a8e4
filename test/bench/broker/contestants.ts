import { spawnSync } from "node:child_process";
import { generateKeyPairSync, type JsonWebKey, type KeyObject } from "node:crypto";
import { readFileSync } from "node:fs";
import { join } from "node:path";
import { type AgentKeys, type AuditEvent, createAgentKeys } from "@agent-keys/core";
import { facts } from "../floors.ts";
import { type Child, startChild } from "./child.ts";
import { AGENT, type Batch, ISSUER } from "./workload.ts";

/** What a bare proxy does beside passing on. */
export interface BareOptions {
  readonly upstream: string;
  /** A line before a request, and one after it. */
  readonly lines?: { readonly path: string; readonly before: object; readonly after: object };
  /** The public key to verify a token's signature with. */
  readonly jwk?: JsonWebKey;
}

export interface BrokerSetup {
  readonly upstream: string;
  readonly jwks: ReturnType<AgentKeys["jwks"]>;
  /** Of its record. */
  readonly path: string;
}

export interface NginxSetup {
  readonly directory: string;
  readonly upstreamPort: number;
}

export interface LoadSetup {
  /** With the private half. */
  readonly jwk: JsonWebKey;
  readonly audience: string;
}

/** One of those that are compared. */
export interface Contestant extends Pick<Batch, "port" | "prefix" | "keys"> {
  /** Absent for none: nobody is in between. */
  readonly processorMicros?: () => Promise<number>;
}

export type Name =
  | "direct"
  | "bare"
  | "bareLines"
  | "bareVerify"
  | "bareVerifyLines"
  | "httpProxy"
  | "replyFrom"
  | "nginx"
  | "brokerOne"
  | "brokerFresh";

export const TITLES: Readonly<Record<Name, string>> = {
  direct: "direct",
  bare: "bare proxy",
  bareLines: "bare, 2 lines",
  bareVerify: "bare, verify",
  bareVerifyLines: "bare, verify + lines",
  httpProxy: "http-proxy-3",
  replyFrom: "@fastify/reply-from",
  nginx: "nginx",
  brokerOne: "broker, one key",
  brokerFresh: "broker, fresh keys",
};

/** Everybody, each in a process of their own. */
export interface Field extends AsyncDisposable {
  readonly upstream: Child;
  readonly load: Child;
  readonly broker: Child;
  /** nginx only where it is installed. */
  readonly contestants: Readonly<Partial<Record<Name, Contestant>>>;
}

const BROKER_FLAGS = ["--expose-gc"];

export async function openField(directory: string): Promise<Field> {
  await using stack = new AsyncDisposableStack();
  const start = (script: string, flags?: readonly string[]): Child =>
    stack.use(startChild(script, flags));
  const { privateKey, publicKey } = generateKeyPairSync("ed25519");
  const jwk = publicKey.export({ format: "jwk" });
  const jwks = publicHalf(privateKey);

  const [upstream, load, broker] = [
    start("upstream.ts"),
    start("load.ts"),
    start("broker.ts", BROKER_FLAGS),
  ];
  const bare = {
    bare: start("bare-proxy.ts"),
    bareLines: start("bare-proxy.ts"),
    bareVerify: start("bare-proxy.ts"),
    bareVerifyLines: start("bare-proxy.ts"),
  };
  const others = { httpProxy: start("http-proxy-3.ts"), replyFrom: start("reply-from.ts") };

  const upstreamPort = await upstream.ask<number>("open");
  const url = `http://127.0.0.1:${upstreamPort}`;
  const path = join(directory, "broker.jsonl");
  const setup: BrokerSetup = { upstream: url, jwks, path };
  const audience = await broker.ask<string>("open", setup);
  const secret: LoadSetup = { jwk: privateKey.export({ format: "jwk" }), audience };
  await load.ask("open", secret);
  const ofBroker = {
    port: Number(new URL(audience).port),
    prefix: "/desk",
    processorMicros: broker.processorMicros,
  };
  const { before, after } = await specimen(load, { ...ofBroker, keys: "one" }, path);

  const lines = (name: string) => ({ path: join(directory, `${name}.jsonl`), before, after });
  const bareOptions: Readonly<Record<keyof typeof bare, BareOptions>> = {
    bare: { upstream: url },
    bareLines: { upstream: url, lines: lines("bareLines") },
    bareVerify: { upstream: url, jwk },
    bareVerifyLines: { upstream: url, jwk, lines: lines("bareVerifyLines") },
  };
  const opened = async (child: Child, options: BareOptions): Promise<Contestant> => ({
    port: await child.ask<number>("open", options),
    prefix: "",
    keys: "one",
    processorMicros: child.processorMicros,
  });
  const contestants: Partial<Record<Name, Contestant>> = {
    direct: { port: upstreamPort, prefix: "", keys: "one" },
    bare: await opened(bare.bare, bareOptions.bare),
    bareLines: await opened(bare.bareLines, bareOptions.bareLines),
    bareVerify: await opened(bare.bareVerify, bareOptions.bareVerify),
    bareVerifyLines: await opened(bare.bareVerifyLines, bareOptions.bareVerifyLines),
    httpProxy: await opened(others.httpProxy, { upstream: url }),
    replyFrom: await opened(others.replyFrom, { upstream: url }),
  };
  if (hasNginx()) {
    const nginx = start("nginx.ts");
    const setup: NginxSetup = { directory, upstreamPort };
    const { processorMicros } = nginx;
    const port = await nginx.ask<number>("open", setup);
    contestants.nginx = { port, prefix: "", keys: "one", processorMicros };
  } else {
    console.error("agent-keys: nginx is not installed, and left out");
  }
  contestants.brokerOne = { ...ofBroker, keys: "one" };
  contestants.brokerFresh = { ...ofBroker, keys: "fresh" };
  const all = stack.move();
  return {
    upstream,
    load,
    broker,
    contestants,
    [Symbol.asyncDispose]: () => all.disposeAsync(),
  };
}

function publicHalf(signingKey: KeyObject): ReturnType<AgentKeys["jwks"]> {
  return createAgentKeys({
    agent: AGENT,
    issuer: ISSUER,
    policy: "allow-all",
    signingKey,
    audit: () => undefined,
  }).jwks();
}

/** Whether it is installed, where its processor time can be read. */
function hasNginx(): boolean {
  return process.platform === "linux" && spawnSync("nginx", ["-v"]).status === 0;
}

/** What the broker puts on record for a request: what the bare proxies' lines hold. */
async function specimen(
  load: Child,
  broker: Contestant,
  path: string,
): Promise<{ readonly before: object; readonly after: object }> {
  const batch: Batch = { ...only(broker), kind: "get", requests: 1, atOnce: 1 };
  await load.ask("prepare", batch);
  await load.ask("run");
  const events = readFileSync(path, "utf8")
    .trimEnd()
    .split("\n")
    .map((line) => JSON.parse(line) as AuditEvent);
  const [before = {}, after = {}] = facts(events.slice(-2));
  return { before, after };
}

/** What can be told to another process. */
export function only({ port, prefix, keys }: Contestant): Pick<Batch, "port" | "prefix" | "keys"> {
  return { port, prefix, keys };
}
