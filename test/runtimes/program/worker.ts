// Cloudflare Workers, with `nodejs_compat`: the whole program in one request. What it says is the
// answer's body; the audit goes to the console, which the platform collects.
import type { Sink } from "@agent-keys/core";
import { runProgram } from "./program.ts";

const consoleLines: Sink = { write: (_event, line) => console.log(line) };
const JWKS = "https://agents.example.com/jwks.json";

export default {
  async fetch(): Promise<Response> {
    const said = await runProgram({
      audit: consoleLines,
      async publish(jwks) {
        await fetch(JWKS, { method: "PUT", body: JSON.stringify(jwks) });
        return JWKS;
      },
    });
    return new Response(said.join("\n"));
  },
};
