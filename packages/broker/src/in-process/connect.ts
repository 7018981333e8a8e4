import type { InProcess, InProcessHost } from "@agent-keys/core/enforce";
import { configuredSecrets } from "@agent-keys/secrets";
import { requireKnownNames } from "../check-policy.ts";
import type { Service } from "../service/service.ts";

/**
 * Lends the engine to keys of the same process. It is loaded with the first request.
 *
 * @throws TypeError when a service is none, a reference to a secret is none, or the policy names what a
 * service does not have.
 */
export function connect(host: InProcessHost): InProcess {
  requireKnownNames(host.policy, host.services.map(requireService), "policy", true);
  const names = host.services.map(({ name }) => name);
  const secrets = configuredSecrets(host.secrets, names, {});
  let opened: Promise<InProcess> | undefined;
  const open = async (): Promise<InProcess> => {
    const { openInProcess } = await import("./open-in-process.ts");
    return openInProcess({ ...host, secrets });
  };
  return {
    async handle(request) {
      opened ??= open();
      return (await opened).handle(request);
    },
    async close() {
      await (await opened)?.close();
    },
  };
}

/** @throws TypeError when it was made by something else. */
export function requireService(service: InProcessHost["services"][number]): Service {
  if ("routes" in service && "credential" in service) return service as unknown as Service;
  throw new TypeError(`services: ${service.name} was not made by defineService`);
}
