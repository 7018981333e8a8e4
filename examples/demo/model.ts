import { type Script, startModelServer } from "./model-server.ts";

/** How to reach a model that speaks OpenAI's chat completions. */
export interface Model extends AsyncDisposable {
  readonly baseURL: string;
  readonly apiKey: string;
  readonly name: string;
  readonly scripted: boolean;
}

/** A real model when OPENAI_API_KEY is set, otherwise a scripted one. */
export async function openModel(script: Script): Promise<Model> {
  const { OPENAI_API_KEY: apiKey, OPENAI_BASE_URL, OPENAI_MODEL } = process.env;
  if (apiKey !== undefined && apiKey !== "") {
    return {
      baseURL: OPENAI_BASE_URL ?? "https://api.openai.com/v1",
      apiKey,
      name: OPENAI_MODEL ?? "gpt-4.1-mini",
      scripted: false,
      [Symbol.asyncDispose]: () => Promise.resolve(),
    };
  }
  const server = await startModelServer(script);
  return {
    baseURL: server.url,
    apiKey: "not-needed",
    name: "scripted",
    scripted: true,
    [Symbol.asyncDispose]: () => server[Symbol.asyncDispose](),
  };
}
