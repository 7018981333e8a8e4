import type { RoutesOf } from "../routes-of.ts";
import type { OpenaiScope } from "./names.ts";

/**
 * The Responses API and its conversations. `tools` are objects that no constraint reaches, and some of
 * them fetch from elsewhere: a grant that must keep them out says `only: true`.
 */
export const responses: RoutesOf<
  OpenaiScope,
  | "responses.create"
  | "responses.read"
  | "responses.write"
  | "conversations.read"
  | "conversations.write"
> = {
  "responses.create": [
    {
      route: "POST /responses",
      json: {
        metadata: "json",
        top_logprobs: "int",
        temperature: "number",
        top_p: "number",
        user: "string",
        safety_identifier: "string",
        prompt_cache_key: "string",
        prompt_cache_retention: "string",
        prompt_cache_options: "json",
        previous_response_id: "string",
        model: "string",
        background: "boolean",
        max_tool_calls: "int",
        text: "json",
        tools: "json",
        tool_choice: "json",
        prompt: "json",
        service_tier: "string",
        truncation: "string",
        reasoning: "json",
        input: "json",
        include: "string[]",
        parallel_tool_calls: "boolean",
        store: "boolean",
        instructions: "string",
        moderation: "json",
        stream: "boolean",
        stream_options: "json",
        conversation: "json",
        context_management: "json",
        max_output_tokens: "int",
      },
    },
    {
      route: "POST /responses/input_tokens",
      json: {
        model: "string",
        input: "json",
        previous_response_id: "string",
        tools: "json",
        text: "json",
        reasoning: "json",
        truncation: "string",
        instructions: "string",
        personality: "string",
        conversation: "json",
        tool_choice: "json",
        parallel_tool_calls: "boolean",
      },
    },
    {
      route: "POST /responses/compact",
      json: {
        model: "string",
        input: "json",
        previous_response_id: "string",
        instructions: "string",
        prompt_cache_key: "string",
        prompt_cache_retention: "string",
        prompt_cache_options: "json",
        service_tier: "string",
      },
    },
  ],
  "responses.read": [
    "GET /responses/:response_id?include[]&stream{boolean}&starting_after{int}&include_obfuscation{boolean}",
    "GET /responses/:response_id/input_items?limit{int}&order&after&include[]",
  ],
  "responses.write": ["POST /responses/:response_id/cancel", "DELETE /responses/:response_id"],
  "conversations.read": [
    "GET /conversations/:conversation_id",
    "GET /conversations/:conversation_id/items?limit{int}&order&after&include[]",
    "GET /conversations/:conversation_id/items/:item_id?include[]",
  ],
  "conversations.write": [
    { route: "POST /conversations", json: { metadata: "json", items: "json" } },
    { route: "POST /conversations/:conversation_id", json: { metadata: "json" } },
    "DELETE /conversations/:conversation_id",
    { route: "POST /conversations/:conversation_id/items?include[]", json: { items: "json" } },
    "DELETE /conversations/:conversation_id/items/:item_id",
  ],
};
