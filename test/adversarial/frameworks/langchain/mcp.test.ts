/** `@langchain/mcp-adapters`, over a real server in this process. */
import { loadMcpTools } from "@langchain/mcp-adapters";
import { Client } from "@modelcontextprotocol/sdk/client/index.js";
import { call } from "../compare.ts";
import { startMcpServer } from "../mcp-server.ts";
import { callOf } from "../model-server.ts";
import { compareCases, id } from "./cases.ts";
import { directDrivers } from "./direct-drivers.ts";
import { graphDrivers } from "./graph-drivers.ts";
import { newestOnly } from "./versions.ts";

compareCases(
  [
    {
      name: "results, errors that are results, and structured content",
      tools: async (journal) => {
        const client = new Client({ name: "test", version: "1.0.0" });
        await client.connect(await startMcpServer(journal));
        return await loadMcpTools("tickets", client);
      },
      turns: [
        callOf("get", id),
        callOf("fails", id),
        callOf("throws", id),
        callOf("structured", id),
      ],
      audit: [
        ...call("get"),
        ...call("fails", "error"),
        ...call("throws", "error"),
        ...call("structured"),
      ],
    },
  ],
  // The adapters demand a newer core than the oldest.
  { versions: newestOnly, drivers: [...directDrivers, ...graphDrivers] },
);
