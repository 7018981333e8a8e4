import { bearer } from "../service/credential.ts";
import { defineService } from "../service/define-service.ts";
import type { Service } from "../service/service.ts";
import { jobs } from "./openai/jobs.ts";
import { media } from "./openai/media.ts";
import { models } from "./openai/models.ts";
import type { OpenaiParameter, OpenaiScope } from "./openai/names.ts";
import { responses } from "./openai/responses.ts";
import { storage } from "./openai/storage.ts";
import type { PlacedAt } from "./placed-at.ts";
import type { RoutesOf } from "./routes-of.ts";

const scopes: RoutesOf<OpenaiScope> = { ...responses, ...models, ...media, ...storage, ...jobs };

/**
 * OpenAI's API at another address: of a gateway, or of a model server that speaks it.
 *
 * @throws TypeError when `baseUrl` is not an https URL.
 */
export function defineOpenai({
  baseUrl = "https://api.openai.com/v1",
  network,
}: PlacedAt = {}): Service<OpenaiScope, OpenaiParameter> {
  return defineService({
    name: "openai",
    baseUrl,
    network,
    credential: bearer(),
    scopes,
    // Not `openai-organization` and `openai-project`: who pays is the credential's, not the caller's.
    forwardHeaders: ["openai-beta", "x-client-request-id"],
  }) as Service<OpenaiScope, OpenaiParameter>;
}

/**
 * OpenAI's API: responses, chat, embeddings, moderations, images, audio, files, batches, vector stores,
 * and reading of fine-tuning jobs. Routes, parameters and their places agree with OpenAI's OpenAPI
 * description 2.3.0 (openai/openai-openapi f85dbe2).
 *
 * An answer is cut when its key expires: a scope that asks a model wants `expiresIn` as long as the model
 * may take.
 *
 * Not here: realtime (a WebSocket), and what administers an organisation.
 */
export const openai: Service<OpenaiScope, OpenaiParameter> = defineOpenai();
