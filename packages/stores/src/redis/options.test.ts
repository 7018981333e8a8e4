import { expect, test } from "vitest";
import { parseOptions, type RedisStoreOptions } from "./options.ts";

test("what is given, and what is not", () => {
  expect(parseOptions({ url: "redis://localhost" })).toMatchObject({
    addresses: [{ host: "localhost", port: 6379 }],
    prefix: "{agent-keys}:",
  });
  const url = ["rediss://ada:a%40b@r1.internal:6380/2", "rediss://ada:a%40b@r2.internal/2"];
  expect(parseOptions({ url, prefix: "mine", journal: "j" })).toMatchObject({
    addresses: [
      { host: "r1.internal", port: 6380 },
      { host: "r2.internal", port: 6379 },
    ],
    prefix: "{mine}:",
    journal: "j",
  });
  expect(parseOptions({ url: "redis://[::1]:7" }).addresses).toEqual([{ host: "::1", port: 7 }]);
  const plain = { url: "redis://r1.internal", allowPlaintext: true };
  expect(parseOptions(plain).addresses).toEqual([{ host: "r1.internal", port: 6379 }]);
});

const HERE = "redis://localhost";

test.each<[string, unknown, string]>([
  ["no options", undefined, "options: must be an object"],
  ["no server", { url: [] }, "url: must name at least one server"],
  ["no URL", { url: "localhost:6379" }, "url: must be redis://host:port or rediss://host:port"],
  ["another protocol", { url: "http://localhost" }, "url: must be redis://"],
  ["a path", { url: `${HERE}/a` }, "url: must have a number for a path, if any"],
  ["plaintext afar", { url: "redis://r1.internal" }, "url: must be rediss: for r1.internal"],
  ["one of them afar", { url: [HERE, "redis://10.0.0.7"] }, "url: must be rediss: for 10.0.0.7"],
  ["two users", { url: [HERE, "redis://ada@localhost"] }, "url: must be the same in all but"],
  ["TLS or not", { url: [HERE, "rediss://localhost"] }, "url: must be the same in all but"],
  ["TLS for nothing", { url: HERE, tls: {} }, "tls: needs a URL that begins with rediss:"],
  ["braces", { url: HERE, prefix: "a}b" }, "prefix: must be 1 to 100 characters"],
  ["no prefix", { url: HERE, prefix: "" }, "prefix: must be 1 to 100 characters"],
  ["no journal", { url: HERE, journal: "" }, "journal: must be a path"],
  ["no client", { url: HERE, connect: {} }, "connect: must be a function"],
  ["a misspelt option", { url: HERE, jornal: "j" }, "jornal: not an option"],
])("%s: refused, naming the option", (_, options, message) => {
  expect(() => parseOptions(options as RedisStoreOptions)).toThrow(`redisStore: ${message}`);
});

test("an error says no password", () => {
  for (const url of ["redis://:s3cret@", "redis://:s3cret@far.internal", "red://:s3cret@x"]) {
    expect(() => parseOptions({ url })).toThrow(/^redisStore: url: (?!.*s3cret)/u);
  }
});
