import { auditEvent } from "@agent-keys/core";
import { expect, test } from "vitest";
import { ended, onSources, start } from "./run-script.ts";

test("mcp-tools.ts", async () => {
  const [command, args] = onSources("mcp-tools.ts");
  const { code, stdout, stderr } = await ended(start(command, args));
  if (code !== 0) throw new Error(stderr);
  expect(stdout + stderr).not.toMatch(/eyJ[\w-]+\.[\w-]+/);

  // Both agents read the one ticket, and are told that the other is none of theirs.
  const denied = "A value of this call is outside what the key may do (tickets:get_ticket).";
  for (const framework of ["LangChain", "AI SDK"]) {
    const said = stdout.split("\n").find((line) => line.startsWith(`${framework}: `));
    expect(said).toContain("A-1: the printer is on fire.");
    expect(said).toContain(denied);
    expect(said).not.toContain("B-1");
  }

  // The server saw one call of each, each under a key of its own, and one key for everything else.
  const seen = [...stdout.matchAll(/^server: (\S+) with key (\S+)$/gm)];
  const keyIds = (scope: string) => seen.flatMap(([, used, id]) => (used === scope ? [id] : []));
  expect(keyIds("tickets:get_ticket")).toHaveLength(2);
  expect(new Set(keyIds("tickets:get_ticket")).size).toBe(2);
  expect(new Set(keyIds("mcp:session")).size).toBe(1);

  const events = stderr
    .split("\n")
    .filter((line) => line.startsWith("{"))
    .map((line) => auditEvent.parse(JSON.parse(line)));
  const call = (framework: string) => ({ tool: { name: "getTicket", framework } });
  expect(events).toMatchObject([
    { type: "key.minted", scopes: ["mcp:session"] },
    { type: "key.minted", keyId: keyIds("tickets:get_ticket")[0], ...call("langchain") },
    { type: "key.closed", outcome: "ok", ...call("langchain") },
    { type: "key.denied", code: "constraint_failed", ...call("langchain") },
    { type: "key.minted", keyId: keyIds("tickets:get_ticket")[1], ...call("ai-sdk") },
    { type: "key.closed", outcome: "ok", ...call("ai-sdk") },
    { type: "key.denied", code: "constraint_failed", ...call("ai-sdk") },
    { type: "key.closed", scopes: ["mcp:session"], outcome: "ok" },
  ]);
});
