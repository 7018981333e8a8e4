import * as aiSdk from "@agent-keys/ai-sdk";
import * as core from "@agent-keys/core";
import * as mcp from "@agent-keys/core/mcp";
import * as langchain from "@agent-keys/langchain";
import * as tools from "@langchain/core/tools";
import * as z from "zod";
import { expectedLines, runProgram } from "../../program.cjs";

export const dynamic = "force-dynamic";

export async function GET() {
  const said = await runProgram({ core, mcp, aiSdk, langchain, tools, z });
  return Response.json({ said, expected: expectedLines });
}
