import { Agent } from "node:http";
import { join } from "node:path";
import { freePort } from "../../servers/free-port.ts";
import type { StoreAt } from "../../stores/store-at.ts";
import { type Answer, ask } from "../broker/ask.ts";
import { AGENT, type Issuer, ISSUER } from "../broker/issuer.ts";
import { type BrokerProcess, startBroker } from "../broker/started-broker.ts";
import { openStream, type Stream } from "../broker/stream.ts";

/** Where all of them are said to be: the audience of every key. Nothing listens there. */
export const PUBLIC_URL = "http://127.0.0.1:1";

/** Brokers in processes of their own, on one store, that stand for one. */
export interface SeveralBrokers extends AsyncDisposable {
  /** So many requests at once with one key, spread over all of them; what did not get an answer is undefined. */
  askAll(token: string, last: string, requests: number): Promise<readonly (Answer | undefined)[]>;
  /** One request to one of them. */
  askOne(which: number, token: string, last: string): Promise<Answer | undefined>;
  /** An answer that streams, by one of them. */
  stream(which: number, token: string): Promise<Stream>;
  /** Kills one, with -9. */
  kill(which: number): Promise<void>;
  /** Puts another in the place of one that was killed. */
  replace(which: number): Promise<void>;
}

/** What they are opened with. */
export interface SeveralOptions {
  readonly store: StoreAt;
  readonly issuer: Issuer;
  readonly upstream: string;
  readonly directory: string;
  readonly count: number;
}

interface Place {
  readonly broker: BrokerProcess;
  readonly url: string;
  readonly agent: Agent;
}

const PATIENCE_MS = 10_000;
const SOCKETS = 120;

export async function openSeveralBrokers(options: SeveralOptions): Promise<SeveralBrokers> {
  const { store, issuer, upstream, directory, count } = options;
  let next = startBroker();
  const open = async (which: number): Promise<Place> => {
    const broker = await next;
    next = startBroker();
    const port = await freePort();
    // It says where all of them are said to be.
    await broker.open({
      issuer: ISSUER,
      agent: AGENT,
      jwks: issuer.jwks,
      upstream,
      secret: "the real credential",
      port,
      audit: join(directory, `broker-${which}.audit.jsonl`),
      publicUrl: PUBLIC_URL,
      store,
      limits: { concurrentRequests: 2_000 },
    });
    const url = `http://127.0.0.1:${port}`;
    return { broker, url, agent: new Agent({ keepAlive: true, maxSockets: SOCKETS }) };
  };
  const places: Place[] = [];
  for (let which = 0; which < count; which += 1) places.push(await open(which));
  const place = (which: number): Place => {
    const found = places[which % count];
    if (found === undefined) throw new RangeError("no such broker");
    return found;
  };
  const askOne = (which: number, token: string, last: string): Promise<Answer | undefined> => {
    const { url, agent } = place(which);
    // What was under way when a broker died got no answer.
    return ask(`${url}/tickets/tickets/${last}`, token, { agent, timeoutMs: PATIENCE_MS }).catch(
      () => undefined,
    );
  };
  return {
    askOne,
    stream: (which, token) => openStream(place(which).url, token),
    askAll: (token, last, requests) =>
      Promise.all(Array.from({ length: requests }, (_, index) => askOne(index, token, last))),
    async kill(which) {
      const { broker, agent } = place(which);
      await broker.kill();
      agent.destroy();
    },
    async replace(which) {
      places[which % count] = await open(which);
    },
    async [Symbol.asyncDispose]() {
      for (const { broker, agent } of places) {
        agent.destroy();
        if (!broker.dead) await broker.close();
      }
      await (await next).kill();
    },
  };
}
