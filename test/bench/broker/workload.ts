import type { Grant } from "@agent-keys/core";

/** What a contestant is asked for. */
export type Kind = "get" | "post" | "download" | "stream";

/** The request of each kind, behind the contestant's own prefix. */
export const REQUESTS: Readonly<
  Record<Kind, { readonly method: string; readonly path: string; readonly body: string }>
> = {
  get: { method: "GET", path: "/repos/acme/widgets/issues/1042?labels=bug&page=2", body: "" },
  post: { method: "POST", path: "/messages", body: message() },
  download: { method: "GET", path: "/files/acme/archive", body: "" },
  stream: { method: "GET", path: "/events/acme", body: "" },
};

/** Held open until the upstream is told to write. */
export const HELD_PATH = "/held/acme";

export const DOWNLOAD_BYTES: number = 1024 * 1024;

/** How many pieces an event stream has, and how far apart they are. */
export const PIECES = 20;
export const PIECE_EVERY_MS = 3;

/** Who mints, and who acts. */
export const ISSUER = "https://agents.example";
export const AGENT = "support-bot";
export const SERVICE = "desk";

/** The grants of a key for each kind, constrained as a tool call's are. */
export const GRANTS: Readonly<Record<Kind, Grant>> = {
  get: { scope: "desk:issues.read", where: { owner: "acme", repo: "widgets" } },
  post: { scope: "desk:messages.write", where: { channel: "C123" } },
  download: { scope: "desk:files.read", where: { owner: "acme" } },
  stream: { scope: "desk:files.read", where: { owner: "acme" } },
};

/** 1 KiB of JSON. */
function message(): string {
  const empty = JSON.stringify({ channel: "C123", text: "" });
  return JSON.stringify({ channel: "C123", text: "m".repeat(1024 - empty.length) });
}

/** A batch of requests to one contestant. */
export interface Batch {
  readonly port: number;
  /** Before the path. */
  readonly prefix: string;
  readonly kind: Kind;
  readonly requests: number;
  readonly atOnce: number;
  /** One key for all, or one for each. */
  readonly keys: "one" | "fresh";
}

/** How a batch went. */
export interface BatchResult {
  readonly seconds: number;
  /** Of each request, or of each piece of a stream. */
  readonly latenciesMs: readonly number[];
}
