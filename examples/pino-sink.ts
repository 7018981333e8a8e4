// The audit in pino's log. The file is the record, and gates; the log is a copy, so it is `optional`.
// It could gate too while `sync` is true: pino then throws what the system refuses. With `sync: false`
// it loses lines when the process dies.
import { createAgentKeys, fileSink, type Sink } from "@agent-keys/core";
import pino from "pino";

const log = pino({ base: null }, pino.destination({ dest: 1, sync: true }));

function pinoSink(logger: pino.Logger): Sink {
  return {
    optional: true,
    write: (event) => {
      const level = event.type === "key.denied" ? "warn" : "info";
      logger[level]({ audit: event }, event.type);
    },
    flush: () => logger.flush(),
  };
}

const keys = createAgentKeys({
  agent: "repo-bot",
  policy: { "repo-bot": { allow: [{ scope: "github:repos.read" }] } },
  audit: [fileSink("agent-keys.audit.jsonl"), pinoSink(log)],
});

await keys.withAgentKey("github:repos.read", () => log.info("the repository is read"));
await keys
  .withAgentKey("github:repos.delete", () => log.info("never said"))
  .catch((error: unknown) => log.error(error));
await keys.flush();
