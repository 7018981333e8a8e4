import { randomUUID } from "node:crypto";
import { once } from "node:events";
import { createServer, type IncomingMessage, type ServerResponse } from "node:http";
import type { AddressInfo } from "node:net";
import {
  type AgentKeyError,
  memoryStore,
  scopeSegment,
  type Store,
  verifyKey,
} from "@agent-keys/core";
import { McpServer } from "@modelcontextprotocol/sdk/server/mcp.js";
import { StreamableHTTPServerTransport } from "@modelcontextprotocol/sdk/server/streamableHttp.js";
import { z } from "zod";

/** One HTTP request, as the server saw it. */
interface SeenRequest {
  /** The HTTP method, or for a POST the JSON-RPC method. */
  readonly what: string;
  readonly path: string;
  readonly bearer: string | undefined;
  readonly session: string | undefined;
  /** The arguments of a tool call. */
  readonly args: unknown;
  /** The id of the tool call that its key was minted for. */
  readonly callId?: string | undefined;
  /** The code that refused it, or `undefined`. */
  readonly refused: string | undefined;
}

export interface TestMcpServer extends AsyncDisposable {
  readonly url: string;
  readonly seen: readonly SeenRequest[];
  /** The names of the tools whose body ran. */
  readonly ran: readonly string[];
}

/** Whose keys the server accepts. */
export interface Accepted {
  readonly jwks: Parameters<typeof verifyKey>[1]["jwks"];
  readonly issuer: string;
  readonly audience: string;
  /** Shared with the issuer, so that a closed key is refused. */
  readonly store?: Store;
  readonly now?: () => number;
}

/** The scope of every request that is not a tool call. */
export const SESSION = "mcp:session";

/**
 * The SDK's own server over Streamable HTTP, which checks the bearer of each request with `verifyKey`:
 * `tickets:<tool>` with the arguments as values for a tool call, `mcp:session` for the rest. It also
 * serves a complete OAuth set-up, so that a client that starts the dance gets somewhere.
 */
export async function startMcpServer(accepted: Accepted): Promise<TestMcpServer> {
  const seen: SeenRequest[] = [];
  const ran: string[] = [];
  const sessions = new Map<string, StreamableHTTPServerTransport>();
  const store = accepted.store ?? memoryStore();

  const http = createServer((request, response) => {
    handle(request, response).catch((error: unknown) => {
      response.writeHead(500).end(String(error));
    });
  });
  http.listen(0, "127.0.0.1");
  await once(http, "listening");
  const origin = `http://127.0.0.1:${(http.address() as AddressInfo).port}`;

  async function handle(request: IncomingMessage, response: ServerResponse): Promise<void> {
    const body = await readJson(request);
    const message = body as { method?: string; params?: { name: string; arguments?: object } };
    const bearer = /^Bearer (.+)$/.exec(request.headers.authorization ?? "")?.[1];
    const session = request.headers["mcp-session-id"] as string | undefined;
    const path = request.url ?? "";
    const call = message?.method === "tools/call" ? message.params : undefined;
    const fact = {
      what: message?.method ?? request.method ?? "",
      path,
      bearer,
      session,
      args: call?.arguments,
    };
    if (path !== "/mcp") {
      seen.push({ ...fact, refused: undefined });
      return oauth(origin, path, response);
    }
    const values = { ...call?.arguments };
    const scope = call === undefined ? SESSION : `tickets:${scopeSegment(call.name)}`;
    const admission = { request: { scope, values }, consume: true };
    try {
      const { callId } = await verifyKey(bearer, { ...accepted, store, ...admission });
      seen.push({ ...fact, callId, refused: undefined });
    } catch (error) {
      const { code } = error as AgentKeyError;
      seen.push({ ...fact, refused: code });
      return refuse(origin, response, code);
    }
    const transport = session === undefined ? await open() : sessions.get(session);
    if (transport === undefined) return void response.writeHead(404).end();
    await transport.handleRequest(request, response, body);
  }

  async function open(): Promise<StreamableHTTPServerTransport> {
    const transport = new StreamableHTTPServerTransport({
      sessionIdGenerator: randomUUID,
      onsessioninitialized: (id) => void sessions.set(id, transport),
    });
    await ticketServer(ran).connect(transport);
    return transport;
  }

  return {
    url: `${origin}/mcp`,
    seen,
    ran,
    async [Symbol.asyncDispose]() {
      await Promise.all([...sessions.values()].map((transport) => transport.close()));
      http.closeAllConnections();
      http.close();
      await once(http, "close");
    },
  };
}

function ticketServer(ran: string[]): McpServer {
  const server = new McpServer({ name: "tickets", version: "1.0.0" });
  const text = (value: string, isError = false) => ({
    content: [{ type: "text" as const, text: value }],
    isError,
  });
  const inputSchema = { ticketId: z.string() };
  server.registerTool(
    "getTicket",
    { inputSchema, annotations: { readOnlyHint: true } },
    ({ ticketId }) => {
      ran.push("getTicket");
      return text(`${ticketId}: the printer is on fire`);
    },
  );
  server.registerTool(
    "deleteTicket",
    { inputSchema, annotations: { destructiveHint: true } },
    ({ ticketId }) => {
      ran.push("deleteTicket");
      return text(`${ticketId} is gone`);
    },
  );
  server.registerTool("failTicket", { inputSchema }, () => {
    ran.push("failTicket");
    return text("the ticket system says no", true);
  });
  let arrived = 0;
  let meet: PromiseWithResolvers<void> = Promise.withResolvers();
  // Answers only when two calls are here at once.
  server.registerTool("meetTicket", { inputSchema }, async ({ ticketId }) => {
    ran.push("meetTicket");
    arrived++;
    if (arrived % 2 === 0) {
      meet.resolve();
      meet = Promise.withResolvers();
    } else await meet.promise;
    return text(ticketId);
  });
  return server;
}

/** 401 for a key that is no good, 403 for one that is good for something else. */
function refuse(origin: string, response: ServerResponse, code: string): void {
  const metadata = `resource_metadata="${origin}/.well-known/oauth-protected-resource/mcp"`;
  if (code === "insufficient_scope" || code === "constraint_failed") {
    const header = `Bearer error="insufficient_scope", scope="everything", ${metadata}`;
    response.writeHead(403, { "www-authenticate": header }).end(code);
  } else {
    response.writeHead(401, { "www-authenticate": `Bearer ${metadata}` }).end(code);
  }
}

/** Answers every step of a flow that must never be begun. */
function oauth(origin: string, path: string, response: ServerResponse): void {
  const answer = path.startsWith("/.well-known/oauth-protected-resource")
    ? { resource: `${origin}/mcp`, authorization_servers: [origin] }
    : path.startsWith("/.well-known/")
      ? {
          issuer: origin,
          authorization_endpoint: `${origin}/authorize`,
          token_endpoint: `${origin}/token`,
          registration_endpoint: `${origin}/register`,
          response_types_supported: ["code"],
          code_challenge_methods_supported: ["S256"],
        }
      : { client_id: "dance", redirect_uris: [], access_token: "dance", token_type: "Bearer" };
  response.writeHead(200, { "content-type": "application/json" }).end(JSON.stringify(answer));
}

async function readJson(request: IncomingMessage): Promise<unknown> {
  const chunks: Buffer[] = [];
  for await (const chunk of request) chunks.push(chunk as Buffer);
  const body = Buffer.concat(chunks).toString("utf8");
  return body.startsWith("{") ? JSON.parse(body) : undefined;
}
