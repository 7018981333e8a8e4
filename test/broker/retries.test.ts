import { generateKeyPairSync } from "node:crypto";
import { once } from "node:events";
import { createServer, type RequestListener } from "node:http";
import type { AddressInfo } from "node:net";
import { json } from "node:stream/consumers";
import { bearer, createBroker, defineService } from "@agent-keys/broker";
import {
  type AgentKeys,
  createAgentKeys,
  type Grant,
  memorySink,
  requireKey,
} from "@agent-keys/core";
import { guardTools } from "@agent-keys/core/wrap";
import { describe, expect, test } from "vitest";
import { type ScriptedAgent, scriptedAgents } from "./scripted-agents.ts";

const ISSUER = "https://agents.example";
const ONCE: Grant = { scope: "board:write", uses: 1 };

/** What the upstream does with a request once it has read it. */
type Behaviour = (...args: Parameters<RequestListener>) => void;

const answers =
  (status: number): Behaviour =>
  (_request, response) =>
    response.writeHead(status).end("{}");
const drops: Behaviour = (request) => request.socket.destroy();
const hangs: Behaviour = () => undefined;
const breaksOff: Behaviour = (request, response) => {
  response.writeHead(200, { "content-length": "1000" }).write("{", () => request.socket.destroy());
};

/** A board behind a broker, and keys of an agent that may post to it. */
async function openBoard() {
  const board = { behaviour: answers(200), seen: [] as string[] };
  const upstream = createServer((request, response) => {
    void json(request).then((body) => {
      board.seen.push((body as { text: string }).text);
      board.behaviour(request, response);
    });
  });
  upstream.listen(0, "127.0.0.1");
  await once(upstream, "listening");
  const { privateKey: signingKey } = generateKeyPairSync("ed25519");
  const identity = { agent: "bot", policy: "allow-all", signingKey, issuer: ISSUER } as const;
  const record = memorySink();
  const broker = createBroker({
    issuers: {
      [ISSUER]: {
        jwks: createAgentKeys({ ...identity, audit: memorySink() }).jwks(),
        agents: ["bot"],
        policy: "allow-all",
      },
    },
    services: [
      defineService({
        name: "board",
        baseUrl: `http://127.0.0.1:${(upstream.address() as AddressInfo).port}`,
        credential: bearer(),
        scopes: { write: ["POST /notes"] },
        network: "private",
      }),
    ],
    secrets: { board: { name: "test", read: async () => ({ value: "the-credential" }) } },
    limits: { answerMs: 150 },
    port: 0,
    audit: record,
  });
  const { url } = await broker.listen();
  const keys = createAgentKeys({ ...identity, broker: url, audit: memorySink() });
  const told: string[] = [];
  return Object.assign(board, {
    keys,
    url: `${url}/board/notes`,
    told,
    events: record.events,
    /** A tool's body, with a client that tries again whatever may pass. */
    post: async (text: string): Promise<string> => {
      for (let attempt = 0; attempt < 3; attempt += 1) {
        const outcome = await postOnce(`${url}/board/notes`, text);
        told.push(outcome);
        if (outcome === "200") return "posted";
        if (outcome === "use_unknown" || outcome === "key_used_up") break;
      }
      throw new Error(`not posted: ${told.at(-1)}`);
    },
    async [Symbol.asyncDispose]() {
      await broker.close();
      await keys[Symbol.asyncDispose]();
      upstream.closeAllConnections();
      upstream.close();
    },
  });
}

async function postOnce(url: string, text: string, signal?: AbortSignal): Promise<string> {
  try {
    const response = await fetch(url, {
      method: "POST",
      headers: {
        authorization: `Bearer ${requireKey().token}`,
        "content-type": "application/json",
      },
      body: JSON.stringify({ text }),
      ...(signal === undefined ? {} : { signal }),
    });
    await response.text();
    return response.headers.get("agent-keys-code") ?? String(response.status);
  } catch {
    return "broke off";
  }
}

type Board = Awaited<ReturnType<typeof openBoard>>;

/** One run of an agent, in which its model calls the tool with these texts. */
function run(agent: ScriptedAgent, board: Board, texts: readonly string[], txn = "run-1") {
  return board.keys.run({ txn }, () => agent(board.keys, ONCE, board.post, texts));
}

describe.each(scriptedAgents)(
  "%s: a call with one use whose result nobody knows",
  (_name, agent) => {
    test.each<[string, Behaviour, string]>([
      ["takes it and drops the connection", drops, "upstream_unavailable"],
      ["hangs until it is given up", hangs, "upstream_unavailable"],
      ["breaks its answer off", breaksOff, "broke off"],
      ["is a gateway that got no answer", answers(502), "502"],
      ["is a gateway that timed out", answers(504), "504"],
    ])("is sent once, where the service %s", async (_what, behaviour, first) => {
      await using board = await openBoard();
      board.behaviour = behaviour;
      // The client, the framework and the model all try again.
      await run(agent, board, ["hi", "hi", "hi"]);
      expect(board.seen).toEqual(["hi"]);
      expect(board.told.slice(0, 2)).toEqual([first, "use_unknown"]);
      expect(new Set(board.told.slice(2))).toEqual(new Set(["use_unknown"]));
      expect(board.told.length).toBeGreaterThanOrEqual(4);
      const sent = board.events.filter(({ type }) => type === "request.allowed");
      expect(sent).toHaveLength(1);

      board.behaviour = answers(200);
      await run(agent, board, ["hi", "hello"]);
      expect(board.seen).toEqual(["hi", "hello"]);
      await run(agent, board, ["hi"], "run-2");
      expect(board.seen).toEqual(["hi", "hello", "hi"]);
    });

    test.each([200, 404, 500])(
      "is another call once %i was the answer to the first",
      async (status) => {
        await using board = await openBoard();
        board.behaviour = answers(status);
        await run(agent, board, ["hi"]);
        expect(board.told.slice(0, 2)).toEqual(
          status === 200 ? ["200"] : [String(status), "key_used_up"],
        );
        const before = board.seen.length;
        board.behaviour = answers(200);
        await run(agent, board, ["hi"]);
        expect(board.seen).toHaveLength(before + 1);
        expect(board.told.at(-1)).toBe("200");
      },
    );
  },
);

/** Runs something in a tool of its own, as a call of `run-1` with one input. */
async function inCall<T>(keys: AgentKeys, grant: Grant, body: () => Promise<T>): Promise<T> {
  const [, agent] = scriptedAgents[0]!;
  let result: { readonly value: T } | undefined;
  const act = async (): Promise<string> => {
    result = { value: await body() };
    return "done";
  };
  await keys.run({ txn: "run-1" }, () => agent(keys, grant, act, ["same"]));
  if (result === undefined) throw new Error("the tool's body did not run");
  return result.value;
}

test("a client that gave up does not know either", async () => {
  await using board = await openBoard();
  const { url } = board;
  board.behaviour = hangs;
  const giveUp = () => postOnce(url, "hi", AbortSignal.timeout(50));
  expect(await inCall(board.keys, ONCE, giveUp)).toBe("broke off");
  expect(await inCall(board.keys, ONCE, () => postOnce(url, "hi"))).toBe("use_unknown");
  expect(board.seen).toEqual(["hi"]);
});

test("what one tool, or one user, does not know is no matter to another", async () => {
  await using board = await openBoard();
  const { keys, url } = board;
  const tools = ["remind", "escalate"].map((name) => ({
    name,
    framework: "test",
    parameters: ["ticketId"],
    scope: ONCE,
  }));
  const [remind, escalate] = guardTools(tools, { keys });
  const call = (guard: typeof remind, user: string, text: string) =>
    keys.run({ txn: "run-1", user }, () =>
      guard!({
        input: { ticketId: "T-1" },
        call: {},
        callId: undefined,
        body: () => postOnce(url, text),
      }),
    );
  board.behaviour = drops;
  expect(await call(remind, "ada", "first")).toBe("upstream_unavailable");
  board.behaviour = answers(200);
  expect(await call(remind, "ada", "the same call")).toBe("use_unknown");
  expect(await call(escalate, "ada", "another tool")).toBe("200");
  expect(await call(remind, "bob", "another user")).toBe("200");
  expect(board.seen).toEqual(["first", "another tool", "another user"]);
});

test("what was never sent may be sent", async () => {
  await using board = await openBoard();
  const { url } = board;
  const refused = (): Promise<string> => postOnce(`${url}/elsewhere`, "hi");
  expect(await inCall(board.keys, ONCE, refused)).toBe("route_unknown");
  expect(await inCall(board.keys, ONCE, () => postOnce(url, "hi"))).toBe("200");
  expect(board.seen).toEqual(["hi"]);
});

test("grants that allow more than one use, and calls of no run, are sent again", async () => {
  await using board = await openBoard();
  const { url } = board;
  board.behaviour = drops;
  const twice = { ...ONCE, uses: 2 };
  for (let i = 0; i < 2; i += 1) {
    expect(await inCall(board.keys, twice, () => postOnce(url, "hi"))).toBe("upstream_unavailable");
    const alone = () => postOnce(url, "hi");
    expect(await board.keys.withAgentKey(ONCE, alone)).toBe("upstream_unavailable");
  }
  expect(board.seen).toHaveLength(4);
});

test("the same call in parallel is not begun a second time while the first is under way", async () => {
  await using board = await openBoard();
  const { url } = board;
  let arrived: () => void = () => undefined;
  const underWay = new Promise<void>((resolve) => {
    arrived = resolve;
  });
  const held: (() => void)[] = [];
  board.behaviour = (_request, response) => {
    held.push(() => response.end("{}"));
    arrived();
  };
  const first = inCall(board.keys, ONCE, () => postOnce(url, "hi"));
  await underWay;
  expect(await inCall(board.keys, ONCE, () => postOnce(url, "hi"))).toBe("use_unknown");
  for (const answer of held) answer();
  expect(await first).toBe("200");
  expect(board.seen).toHaveLength(1);
});
