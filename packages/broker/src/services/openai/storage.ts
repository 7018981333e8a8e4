import type { RoutesOf } from "../routes-of.ts";
import type { OpenaiScope } from "./names.ts";

/** Files, uploads in parts, and vector stores. Files go up as multipart, which declares no fields. */
export const storage: RoutesOf<
  OpenaiScope,
  | "files.read"
  | "files.write"
  | "vector_stores.search"
  | "vector_stores.read"
  | "vector_stores.write"
> = {
  "files.read": [
    "GET /files?purpose&limit{int}&order&after",
    "GET /files/:file_id",
    "GET /files/:file_id/content",
  ],
  "files.write": [
    "POST /files",
    "DELETE /files/:file_id",
    {
      route: "POST /uploads",
      json: {
        filename: "string",
        purpose: "string",
        bytes: "int",
        mime_type: "string",
        expires_after: "json",
      },
    },
    "POST /uploads/:upload_id/parts",
    { route: "POST /uploads/:upload_id/complete", json: { part_ids: "string[]", md5: "string" } },
    "POST /uploads/:upload_id/cancel",
  ],
  "vector_stores.search": [
    {
      route: "POST /vector_stores/:vector_store_id/search",
      json: {
        query: "string[]",
        rewrite_query: "boolean",
        max_num_results: "int",
        filters: "json",
        ranking_options: "json",
      },
    },
  ],
  "vector_stores.read": [
    "GET /vector_stores?limit{int}&order&after&before",
    "GET /vector_stores/:vector_store_id",
    "GET /vector_stores/:vector_store_id/files?limit{int}&order&after&before&filter",
    "GET /vector_stores/:vector_store_id/files/:file_id",
    "GET /vector_stores/:vector_store_id/files/:file_id/content",
    "GET /vector_stores/:vector_store_id/file_batches/:batch_id",
    "GET /vector_stores/:vector_store_id/file_batches/:batch_id/files?limit{int}&order&after&before&filter",
  ],
  "vector_stores.write": [
    {
      route: "POST /vector_stores",
      json: {
        file_ids: "string[]",
        name: "string",
        description: "string",
        expires_after: "json",
        chunking_strategy: "json",
        metadata: "json",
      },
    },
    {
      route: "POST /vector_stores/:vector_store_id",
      json: { name: "string", expires_after: "json", metadata: "json" },
    },
    "DELETE /vector_stores/:vector_store_id",
    {
      route: "POST /vector_stores/:vector_store_id/files",
      json: { file_id: "string", chunking_strategy: "json", attributes: "json" },
    },
    { route: "POST /vector_stores/:vector_store_id/files/:file_id", json: { attributes: "json" } },
    "DELETE /vector_stores/:vector_store_id/files/:file_id",
    {
      route: "POST /vector_stores/:vector_store_id/file_batches",
      json: { file_ids: "string[]", files: "json", chunking_strategy: "json", attributes: "json" },
    },
    "POST /vector_stores/:vector_store_id/file_batches/:batch_id/cancel",
  ],
};
