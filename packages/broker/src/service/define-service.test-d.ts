import { bearer } from "./credential.ts";
import { defineService } from "./define-service.ts";
import type { Service } from "./service.ts";

const hub = defineService({
  name: "hub",
  baseUrl: "https://hub.example",
  credential: bearer(),
  scopes: {
    "repos.read": ["GET /repos/:owner/:path*?ref&page{int}"],
    "repos.write": [{ route: "PUT /files/:name{path}", json: { text: "string" } }],
  },
});

type Same<A, B> =
  (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false;

const scopes: Same<(typeof hub.scopes)[number], "hub:repos.read" | "hub:repos.write"> = true;
const names: Same<
  (typeof hub.parameters)[number],
  "owner" | "path" | "ref" | "page" | "name" | "text"
> = true;
const written: Service<
  "hub:repos.read" | "hub:repos.write",
  "owner" | "path" | "ref" | "page" | "name" | "text"
> = hub;
// @ts-expect-error -- a scope that the definition has must be written out
const missing: Service<"hub:repos.read", string> = hub;
export const checked: readonly unknown[] = [scopes, names, written, missing];
