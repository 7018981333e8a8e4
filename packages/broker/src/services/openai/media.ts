import type { RoutesOf } from "../routes-of.ts";
import type { OpenaiScope } from "./names.ts";

/**
 * Images and sound. What is sent as multipart cannot be constrained by its fields, so those routes declare
 * none for it, and a grant that constrains one refuses them.
 */
export const media: RoutesOf<
  OpenaiScope,
  "images.create" | "audio.speech.create" | "audio.transcriptions.create"
> = {
  "images.create": [
    {
      route: "POST /images/generations",
      json: {
        prompt: "string",
        model: "string",
        n: "int",
        quality: "string",
        response_format: "string",
        output_format: "string",
        output_compression: "int",
        stream: "boolean",
        partial_images: "int",
        size: "string",
        moderation: "string",
        background: "string",
        style: "string",
        user: "string",
      },
    },
    {
      route: "POST /images/edits",
      json: {
        model: "string",
        images: "json",
        mask: "json",
        prompt: "string",
        n: "int",
        quality: "string",
        input_fidelity: "string",
        size: "string",
        user: "string",
        output_format: "string",
        output_compression: "int",
        moderation: "string",
        background: "string",
        stream: "boolean",
        partial_images: "int",
      },
    },
    "POST /images/variations",
  ],
  "audio.speech.create": [
    {
      route: "POST /audio/speech",
      json: {
        model: "string",
        input: "string",
        instructions: "string",
        voice: "json",
        response_format: "string",
        speed: "number",
        stream_format: "string",
      },
    },
  ],
  "audio.transcriptions.create": ["POST /audio/transcriptions", "POST /audio/translations"],
};
