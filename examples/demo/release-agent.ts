import { type AgentKeys, keyFetch, requireKey } from "@agent-keys/core";
import { wrapTools } from "@agent-keys/langchain";
import { ChatOpenAI } from "@langchain/openai";
import { Octokit } from "@octokit/rest";
import { LogLevel, WebClient } from "@slack/web-api";
import { createAgent, tool } from "langchain";
import * as z from "zod";
import type { Model } from "./model.ts";
import { say } from "./narrator.ts";

const nothing = (): void => undefined;
/** The demo tells what happens itself. */
const QUIET = { debug: nothing, info: nothing, warn: nothing, error: nothing };

/** A LangChain agent that tells Slack what is open on GitHub. */
export function releaseAgent(keys: AgentKeys, model: Model, broker: string) {
  // The services' own clients. They have no credential: `keyFetch` sends the key of the running call to the
  // broker, which puts one in. (With api.github.com and slack.com behind it, no URL is needed here.)
  const octokit = new Octokit({
    baseUrl: `${broker}/github`,
    request: { fetch: keyFetch },
    log: QUIET,
  });
  const slack = new WebClient(undefined, {
    slackApiUrl: `${broker}/slack/`,
    fetch: keyFetch,
    logLevel: LogLevel.ERROR,
  });
  let leaked = "";

  const readIssues = tool(
    async ({ project }) => {
      leaked = requireKey().token;
      const [owner = "", repo = ""] = project.split("/");
      return told(`GitHub: issues of ${project}`, async () => {
        const { data } = await octokit.rest.issues.listForRepo({ owner, repo });
        return data.map(({ number, title, body }) => `#${number} ${title}. ${body}`).join("\n");
      });
    },
    {
      name: "read_issues",
      description: "Reads the open issues of a project",
      schema: z.object({ project: z.string().describe("owner/name") }),
    },
  );
  const post = tool(
    ({ to, text }) =>
      told(`Slack: message to ${to}`, async () => {
        await slack.chat.postMessage({ channel: to, text });
        return "posted";
      }),
    {
      name: "post",
      description: "Posts a message to a Slack channel",
      schema: z.object({ to: z.string().describe("the channel's id"), text: z.string() }),
    },
  );

  const agent = createAgent({
    model: new ChatOpenAI({
      model: model.name,
      apiKey: model.apiKey,
      configuration: { baseURL: model.baseURL },
    }),
    tools: wrapTools([readIssues, post], {
      keys,
      scopes: { read_issues: "github:issues.read", post: { scope: "slack:chat.write", uses: 1 } },
    }),
    systemPrompt: "You tell Slack channels about GitHub issues.",
  });

  return {
    ask: async (prompt: string): Promise<string> => {
      const { messages } = await agent.invoke({ messages: [{ role: "user", content: prompt }] });
      return messages.at(-1)?.text ?? "";
    },
    /** The token of the last call that read issues, as a tool that logs too much would have leaked it. */
    leakedToken: (): string => leaked,
  };
}

async function told(what: string, request: () => Promise<string>): Promise<string> {
  try {
    const result = await request();
    say(`${what} -> 200`);
    return result;
  } catch (error) {
    say(`${what} -> broker: ${refusal(error)}`);
    throw error;
  }
}

/** The code that the broker refused with, as each client carries it. */
function refusal(error: unknown): string {
  const { response, data } = error as {
    readonly response?: { readonly headers?: Readonly<Record<string, string>> };
    readonly data?: { readonly error?: string };
  };
  return response?.headers?.["agent-keys-code"] ?? data?.error ?? String(error);
}
