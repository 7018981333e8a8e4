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

type Scope = "hub:repos.read" | "hub:repos.write";
type Name = "owner" | "path" | "ref" | "page" | "name" | "text";

/** Both ways, so that nothing is missing and nothing is there besides. */
const inferred: Service<Scope, Name> = hub;
const written: (
  scope: Scope,
  name: Name,
) => readonly [(typeof hub.scopes)[number], (typeof hub.parameters)[number]] = (scope, name) => [
  scope,
  name,
];
// @ts-expect-error -- a scope that the definition has must be written out
const missing: Service<"hub:repos.read"> = hub;
export const checked: readonly unknown[] = [inferred, written, missing];
