/** A scope of the service `openai`. */
export type OpenaiScope =
  | "openai:responses.create"
  | "openai:responses.read"
  | "openai:responses.write"
  | "openai:conversations.read"
  | "openai:conversations.write"
  | "openai:chat.completions.create"
  | "openai:chat.completions.read"
  | "openai:chat.completions.write"
  | "openai:completions.create"
  | "openai:embeddings.create"
  | "openai:moderations.create"
  | "openai:models.read"
  | "openai:images.create"
  | "openai:audio.speech.create"
  | "openai:audio.transcriptions.create"
  | "openai:files.read"
  | "openai:files.write"
  | "openai:vector_stores.search"
  | "openai:vector_stores.read"
  | "openai:vector_stores.write"
  | "openai:batches.read"
  | "openai:batches.write"
  | "openai:fine_tuning.read";

/** Every parameter that some route of the service `openai` declares. */
export const openaiParameters = [
  "after",
  "attributes",
  "audio",
  "background",
  "batch_id",
  "before",
  "best_of",
  "bytes",
  "chunking_strategy",
  "completion_id",
  "completion_window",
  "context_management",
  "conversation",
  "conversation_id",
  "description",
  "dimensions",
  "echo",
  "encoding_format",
  "endpoint",
  "expires_after",
  "file_id",
  "file_ids",
  "filename",
  "files",
  "filter",
  "filters",
  "fine_tuning_job_id",
  "frequency_penalty",
  "function_call",
  "functions",
  "images",
  "include",
  "include[]",
  "include_obfuscation",
  "input",
  "input_fidelity",
  "input_file_id",
  "instructions",
  "item_id",
  "items",
  "limit",
  "logit_bias",
  "logprobs",
  "mask",
  "max_completion_tokens",
  "max_num_results",
  "max_output_tokens",
  "max_tokens",
  "max_tool_calls",
  "md5",
  "messages",
  "metadata",
  "mime_type",
  "modalities",
  "model",
  "moderation",
  "n",
  "name",
  "order",
  "output_compression",
  "output_expires_after",
  "output_format",
  "parallel_tool_calls",
  "part_ids",
  "partial_images",
  "personality",
  "prediction",
  "presence_penalty",
  "previous_response_id",
  "prompt",
  "prompt_cache_key",
  "prompt_cache_options",
  "prompt_cache_retention",
  "purpose",
  "quality",
  "query",
  "ranking_options",
  "reasoning",
  "reasoning_effort",
  "response_format",
  "response_id",
  "rewrite_query",
  "safety_identifier",
  "seed",
  "service_tier",
  "size",
  "speed",
  "starting_after",
  "stop",
  "store",
  "stream",
  "stream_format",
  "stream_options",
  "style",
  "suffix",
  "temperature",
  "text",
  "tool_choice",
  "tools",
  "top_logprobs",
  "top_p",
  "truncation",
  "upload_id",
  "user",
  "vector_store_id",
  "verbosity",
  "voice",
  "web_search_options",
] as const;

/** What `where` may name. */
export type OpenaiParameter = (typeof openaiParameters)[number];
