import type { RoutesOf } from "../routes-of.ts";
import type { OpenaiScope } from "./names.ts";

/**
 * Work that runs later. A batch runs requests that stand in a file, models and all, which nothing here can
 * look into: its scope is worth every scope of its `endpoint`.
 */
export const jobs: RoutesOf<OpenaiScope, "batches.read" | "batches.write" | "fine_tuning.read"> = {
  "batches.read": ["GET /batches?after&limit{int}", "GET /batches/:batch_id"],
  "batches.write": [
    {
      route: "POST /batches",
      json: {
        input_file_id: "string",
        endpoint: "string",
        completion_window: "string",
        metadata: "json",
        output_expires_after: "json",
      },
    },
    "POST /batches/:batch_id/cancel",
  ],
  "fine_tuning.read": [
    "GET /fine_tuning/jobs?after&limit{int}",
    "GET /fine_tuning/jobs/:fine_tuning_job_id",
    "GET /fine_tuning/jobs/:fine_tuning_job_id/events?after&limit{int}",
    "GET /fine_tuning/jobs/:fine_tuning_job_id/checkpoints?after&limit{int}",
  ],
};
