import type { AgentKey } from "@agent-keys/core";
import {
  defineGithub,
  defineGithubUploads,
  type github,
  type githubUploads,
  type GrantFor,
} from "@agent-keys/broker/services";
import { Octokit } from "@octokit/rest";
import { access, type Agent, openAgent, type Way } from "./agent.ts";
import { GITHUB_TOKEN, openGithub, openGithubUploads } from "./github-vendor.ts";
import { openVendor, type Vendor } from "./vendor.ts";

export const site = { owner: "acme", repo: "site" };
const allow: readonly GrantFor<typeof github | typeof githubUploads>[] = [
  { scope: "github:repos.read", where: site },
  { scope: "github:issues.*", where: site },
  { scope: "github:contents.read", where: site },
  { scope: "github:contents.write", where: { ...site, path: { prefix: "docs/" } } },
  { scope: "github:actions.*", where: site },
  { scope: "github-uploads:releases.write", where: site },
];

/** GitHub's hosts, and agents that reach them through a broker. */
export interface Hub extends AsyncDisposable {
  readonly vendor: Vendor;
  readonly uploads: Vendor;
  /** Where GitHub's redirects lead. It wants no credential, and is told of any that comes. */
  readonly storage: Vendor;
  readonly agent: Agent;
  /** It would let its tools do anything, and may reach the storage host; the broker knows better. */
  readonly trusting: Agent;
  /** Forgets what was seen. */
  forget(): void;
}

export async function openHub(): Promise<Hub> {
  const storage = await openVendor(undefined, { status: 400 }, () => ({
    headers: { "content-type": "text/plain" },
    bytes: Buffer.from("the log"),
  }));
  const vendor = await openGithub(storage.url);
  const uploads = await openGithubUploads();
  const options = {
    services: [
      defineGithub({ baseUrl: vendor.url, network: "private" }),
      defineGithubUploads({ baseUrl: uploads.url, network: "private" }),
    ],
    credentials: { github: GITHUB_TOKEN, "github-uploads": GITHUB_TOKEN },
    policy: { bot: { allow } },
  };
  const agent = await openAgent(options);
  const allowHosts = [new URL(storage.url).host];
  const trusting = await openAgent({ ...options, ownPolicy: "allow-all", allowHosts });
  return {
    vendor,
    uploads,
    storage,
    agent,
    trusting,
    forget() {
      for (const { seen, strangers } of [vendor, uploads, storage]) {
        (seen as unknown[]).length = 0;
        (strangers as unknown[]).length = 0;
      }
    },
    async [Symbol.asyncDispose]() {
      const all = [agent, trusting, vendor, uploads, storage];
      await Promise.all(all.map((one) => one[Symbol.asyncDispose]()));
    },
  };
}

const nothing = (): void => undefined;
export const SILENT = { debug: nothing, info: nothing, warn: nothing, error: nothing };

export function octokitFor(way: Way, key: AgentKey, vendor: Vendor): Octokit {
  const { url, token, fetch } = access(way, key, "github", vendor.url);
  return new Octokit({
    auth: token,
    baseUrl: url,
    log: SILENT,
    ...(fetch === undefined ? {} : { request: { fetch } }),
  });
}

/** What a call rejects with. */
export async function failure(call: Promise<unknown>): Promise<Record<string, unknown>> {
  return await call.then(
    () => ({ status: "resolved" }),
    (error: unknown) => error as Record<string, unknown>,
  );
}

/** The broker's code, in an error of Octokit's. */
export function codeOf(error: Record<string, unknown>): unknown {
  return (error["response"] as { data?: { code?: unknown } } | undefined)?.data?.code;
}
