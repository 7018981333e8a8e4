// A small program on the packages that it is given, however those were loaded.
exports.runProgram = async ({ core, mcp, aiSdk, langchain, tools, z }) => {
  const { createAgentKeys, memorySink, requireKey, verifyKey } = core;
  const audit = memorySink();
  const keys = createAgentKeys({
    agent: "bot",
    policy: { bot: { allow: [{ scope: "tickets:read", where: { id: { prefix: "T-" } } }] } },
    issuer: "https://agents.example.com",
    audience: "https://tickets.example.com",
    audit,
  });
  const ran = [];
  const body = async ({ id }) => {
    ran.push(id);
    const key = await verifyKey(requireKey().token, {
      jwks: keys.jwks(),
      issuer: "https://agents.example.com",
      audience: "https://tickets.example.com",
      request: { scope: "tickets:read", values: { id } },
    });
    return `${id} for ${key.agent}`;
  };
  const schema = z.object({ id: z.string() });
  const shared = { keys, scopes: { get: "tickets:read" } };
  const { get } = aiSdk.wrapTools({ get: { inputSchema: schema, execute: body } }, shared);
  const [getTool] = langchain.wrapTools([tools.tool(body, { name: "get", schema })], shared);

  const said = [typeof mcp.agentKeysAuthProvider];
  for (const id of ["T-1", "X-1"]) {
    for (const call of [
      async () => get.execute({ id }, { toolCallId: "c1", messages: [] }),
      () => getTool.invoke({ id }),
    ]) {
      said.push(await call().catch(({ code }) => code));
    }
  }
  return [...said, `ran: ${ran}`, ...audit.events.map(({ type }) => type)];
};

exports.expectedLines = [
  "function",
  "T-1 for bot",
  "T-1 for bot",
  "constraint_failed",
  "constraint_failed",
  "ran: T-1,T-1",
  "key.minted",
  "key.closed",
  "key.minted",
  "key.closed",
  "key.denied",
  "key.denied",
];
