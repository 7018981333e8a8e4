import type { AgentKey } from "../agent-key.ts";
import { currentKey } from "../context.ts";

type Fetch = typeof globalThis.fetch;

interface Replaced {
  readonly original: Fetch;
  readonly ambient: Fetch;
  holders: number;
}

const SLOT = Symbol.for("agent-keys.replaced-fetch.v1");
const holder = globalThis as { [SLOT]?: Replaced | undefined };

/**
 * Replaces the global `fetch`, once however many ask and whichever copy of this module they use, by one
 * that sends calls under a key through it. Returns how to let go; with the last the original is back,
 * unless somebody else has replaced `fetch` since, who then goes on with one that changes nothing.
 */
export function replaceFetch(): () => void {
  const replaced = (holder[SLOT] ??= install());
  replaced.holders += 1;
  let released = false;
  return () => {
    if (released) return;
    released = true;
    replaced.holders -= 1;
    if (replaced.holders > 0) return;
    if (holder[SLOT] === replaced) holder[SLOT] = undefined;
    if (globalThis.fetch === replaced.ambient) globalThis.fetch = replaced.original;
  };
}

function install(): Replaced {
  const original = globalThis.fetch;
  const replaced: Replaced = {
    original,
    holders: 0,
    ambient: (...call) => {
      // Optional: the running key may be of an older copy.
      const key: Partial<AgentKey> | undefined = currentKey();
      const answer = replaced.holders > 0 ? key?.fetchAmbient?.(...call) : undefined;
      return answer ?? original(...call);
    },
  };
  globalThis.fetch = replaced.ambient;
  return replaced;
}
