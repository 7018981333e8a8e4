// The drop-in: no framework, no set-up. Everything is allowed, for trying things; the audit goes to
// ./agent-keys.audit.jsonl.
import { getLogs, withAgentKey } from "@agent-keys/core";

await withAgentKey(
  "github:repos.read",
  async (token) => {
    // Your API here; data: keeps the example offline.
    const response = await fetch("data:,agent-keys", {
      headers: { authorization: `Bearer ${token}` },
    });
    console.log(`repository: ${await response.text()}`);
  },
  { expiresIn: 30 },
);

for (const event of await getLogs()) console.log(event.time, event.type);
