import type { RoutesOf } from "../routes-of.ts";
import type { OpenaiScope } from "./names.ts";

/** What runs a model on a body of JSON, and which models there are. */
export const models: RoutesOf<
  OpenaiScope,
  | "chat.completions.create"
  | "chat.completions.read"
  | "chat.completions.write"
  | "completions.create"
  | "embeddings.create"
  | "moderations.create"
  | "models.read"
> = {
  "chat.completions.create": [
    {
      route: "POST /chat/completions",
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
        messages: "json",
        model: "string",
        service_tier: "string",
        modalities: "string[]",
        verbosity: "string",
        reasoning_effort: "string",
        max_completion_tokens: "int",
        frequency_penalty: "number",
        presence_penalty: "number",
        web_search_options: "json",
        response_format: "json",
        audio: "json",
        store: "boolean",
        moderation: "json",
        stream: "boolean",
        stop: "string[]",
        logit_bias: "json",
        logprobs: "boolean",
        max_tokens: "int",
        n: "int",
        prediction: "json",
        seed: "int",
        stream_options: "json",
        tools: "json",
        tool_choice: "json",
        parallel_tool_calls: "boolean",
        function_call: "json",
        functions: "json",
      },
    },
  ],
  "chat.completions.read": [
    "GET /chat/completions?model&after&limit{int}&order",
    "GET /chat/completions/:completion_id",
    "GET /chat/completions/:completion_id/messages?after&limit{int}&order",
  ],
  "chat.completions.write": [
    { route: "POST /chat/completions/:completion_id", json: { metadata: "json" } },
    "DELETE /chat/completions/:completion_id",
  ],
  "completions.create": [
    {
      route: "POST /completions",
      json: {
        model: "string",
        prompt: "json",
        best_of: "int",
        echo: "boolean",
        frequency_penalty: "number",
        logit_bias: "json",
        logprobs: "int",
        max_tokens: "int",
        n: "int",
        presence_penalty: "number",
        seed: "int",
        stop: "string[]",
        stream: "boolean",
        stream_options: "json",
        suffix: "string",
        temperature: "number",
        top_p: "number",
        user: "string",
      },
    },
  ],
  "embeddings.create": [
    {
      route: "POST /embeddings",
      json: {
        input: "json",
        model: "string",
        encoding_format: "string",
        dimensions: "int",
        user: "string",
      },
    },
  ],
  "moderations.create": [{ route: "POST /moderations", json: { model: "string", input: "json" } }],
  "models.read": ["GET /models", "GET /models/:model"],
};
