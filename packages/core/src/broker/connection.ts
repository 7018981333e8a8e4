import { AgentKeyError } from "../errors.ts";
import { replaceFetch } from "./ambient-fetch.ts";
import { CONNECT, type InProcess, type InProcessHost } from "./in-process.ts";
import { type NoticeQueue, openNoticeQueue, type NoticeRoute } from "./notice-queue.ts";
import type { BrokerPlan } from "./options.ts";
import { brokerFetch } from "./own-fetch.ts";
import type { Reach } from "./reach.ts";
import { brokerDirectory } from "./services.ts";

/** What keys have of a broker, or of its engine in this process. */
export interface Connection {
  readonly reach: Reach;
  /** Only to another process: what is in this one shares the store. */
  readonly notices: NoticeQueue | undefined;
  /** Gives the global `fetch` back, and ends what is kept open. */
  close(): Promise<void>;
}

/** Where notices go on a broker. */
const NOTICES_PATH = "/.agent-keys/notices";

/** Opens what was planned; `undefined` where there is neither a broker nor services. */
export function openConnection(
  plan: BrokerPlan,
  host: Omit<InProcessHost, "services" | "secrets"> & Pick<NoticeRoute, "ring">,
): Connection | undefined {
  if (plan.kind === "none") return undefined;
  const { origin, egress, ambient } = plan;
  const inProcess = plan.kind === "in process" ? connect(plan, host) : undefined;
  const reach: Reach = {
    origin,
    egress,
    ambient,
    hasAddress: inProcess === undefined,
    services:
      inProcess === undefined
        ? brokerDirectory(origin)
        : { ask: async () => plan.services, known: () => plan.services },
    send: inProcess === undefined ? brokerFetch : (url, init) => handle(inProcess, url, init),
  };
  const { issuer: iss, audience, ring, now } = host;
  const url = new URL(NOTICES_PATH, origin);
  const notices =
    inProcess === undefined ? openNoticeQueue({ url, iss, audience, ring, now }) : undefined;
  const giveBack = ambient ? replaceFetch() : undefined;
  return {
    reach,
    notices,
    close: async () => {
      giveBack?.();
      await inProcess?.close();
    },
  };
}

async function handle(engine: InProcess, url: URL, init: RequestInit): Promise<Response> {
  try {
    return await engine.handle(new Request(url, init));
  } catch (error) {
    if (error instanceof AgentKeyError || init.signal?.aborted === true) throw error;
    throw new AgentKeyError("broker_unavailable", { detail: "the engine in this process failed" });
  }
}

// On the global object, so that several copies of this module say it once.
const SAID = Symbol.for("agent-keys.secrets-in-process.v1");
const holder = globalThis as { [SAID]?: true };

function connect(
  { services, secrets }: BrokerPlan,
  host: Omit<InProcessHost, "services" | "secrets">,
): InProcess {
  const [first] = services;
  if (first === undefined)
    throw new TypeError("services: must be a list with at least one service");
  const { issuer, audience, policy, findKey, store, audit, auditKey, redact, now } = host;
  const shared = { issuer, audience, policy, findKey, store, audit, auditKey, redact, now };
  const engine = first[CONNECT]({ ...shared, services, secrets });
  if (holder[SAID] !== true) {
    holder[SAID] = true;
    process.stderr.write(
      "agent-keys: services are connected in process, so the secrets are in this process too: for development only\n",
    );
  }
  return engine;
}
