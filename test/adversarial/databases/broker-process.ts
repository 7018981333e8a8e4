import { bearer, createBroker, definePostgres, defineService } from "@agent-keys/broker";
import { memorySink, type VerifyKeyOptions } from "@agent-keys/core";
import { ISSUER, SCHEMAS } from "../../databases/orders-db.ts";

/** A broker in a process of its own, to be killed. Says where it listens, and nothing else. */
const { ADMIN_URL = "", JWKS = "", PORT = "" } = process.env;

const broker = createBroker({
  issuers: {
    [ISSUER]: {
      jwks: JSON.parse(JWKS) as VerifyKeyOptions["jwks"],
      agents: ["bot"],
      policy: "allow-all",
    },
  },
  services: [
    defineService({
      name: "board",
      baseUrl: "https://board.example",
      credential: bearer(),
      scopes: { write: ["POST /notes"] },
    }),
  ],
  secrets: { board: { name: "test", read: async () => ({ value: "none" }) } },
  databases: [
    definePostgres({
      name: "orders-db",
      admin: { name: "test", read: async () => ({ value: ADMIN_URL }) },
      schemas: SCHEMAS,
    }),
  ],
  port: Number(PORT),
  audit: memorySink(),
});
const { url } = await broker.listen();
console.log(url);
