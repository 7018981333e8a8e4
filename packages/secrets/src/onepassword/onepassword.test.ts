import { randomUUID } from "node:crypto";
import { afterAll, beforeAll, beforeEach, describe, expect, test, vi } from "vitest";
import { httpSourceSuite } from "../../test/http-source-suite.ts";
import {
  type ConnectField,
  connectId,
  connectServer,
  type ConnectServer,
} from "../../test/onepassword-server.ts";
import { managed } from "../../test/local-server.ts";
import { refusedBy } from "../../test/refused-by.ts";
import { managedSourceContract } from "../testing/index.ts";
import { onepassword, type OnePasswordField } from "./index.ts";

let server: ConnectServer;
const token = `eyJhbGciOi.${randomUUID()}`;
const vault = { id: connectId(), name: 'Production "EU"', items: [] } as ConnectServer["vaults"][0];
const closed = { id: connectId(), name: "Closed", items: [] };

beforeAll(async () => {
  server = await connectServer();
  server.vaults.push(vault, closed);
  server.tokens.set(token, [vault.id]);
});
afterAll(async () => {
  vi.unstubAllEnvs();
  await server[Symbol.asyncDispose]();
});
beforeEach(() => {
  server.faults.length = 0;
  server.isDown = false;
  server.asked.length = 0;
  vi.stubEnv("OP_CONNECT_HOST", server.url);
  vi.stubEnv("OP_CONNECT_TOKEN", token);
});

const of = (item: string, more: Partial<OnePasswordField> = {}) =>
  onepassword({ vault: vault.name, item, field: "token", ...more });

function put(title: string, fields: readonly ConnectField[] | undefined): string {
  const at = vault.items.findIndex((item) => item.title === title);
  const id = vault.items[at]?.id ?? connectId();
  if (at >= 0) vault.items.splice(at, 1);
  if (fields !== undefined) vault.items.push({ id, title, fields });
  return id;
}

const field = (value: string): ConnectField => ({ id: "f1", label: "token", value });

function open() {
  const title = `GitHub ${randomUUID()}`;
  return {
    source: of(title),
    set: (value: string | undefined) => {
      put(title, value === undefined ? undefined : [field(value)]);
    },
    ...managed(server),
  };
}

managedSourceContract({ test, open });

// By ids one read is one request.
httpSourceSuite(() => {
  const title = `GitHub ${randomUUID()}`;
  const id = put(title, [field("none yet")]);
  return {
    source: of(id, { vault: vault.id }),
    set: (value) => {
      put(title, value === undefined ? undefined : [field(value)]);
    },
    server,
    hidden: [token],
  };
});

describe("which field", () => {
  test("names are looked up; ids are not", async () => {
    const id = put("GitHub", [field("canary")]);
    const source = of("GitHub");
    expect(source.name).toBe('op:Production "EU"/GitHub/token');
    expect((await source.read()).value).toBe("canary");
    expect(server.asked).toHaveLength(3);
    server.asked.length = 0;
    expect((await of(id, { vault: vault.id }).read()).value).toBe("canary");
    expect(server.asked.map(({ target }) => target)).toEqual([
      `/v1/vaults/${vault.id}/items/${id}`,
    ]);
  });

  test("a name in other case is another name", async () => {
    put("GitHub", [field("canary")]);
    expect(await refusedBy(of("github"))).toBe("there is no such item");
    expect(await refusedBy(of("GitHub", { vault: 'production "eu"' }))).toBe(
      "there is no such vault",
    );
  });

  test("of two that have the name, neither", async () => {
    put("Twice", [field("canary-1")]);
    vault.items.push({ id: connectId(), title: "Twice", fields: [field("canary-2")] });
    expect(await refusedBy(of("Twice"))).toBe("there are several of this item; give its id");
    const other = { id: connectId(), name: vault.name, items: [] };
    server.vaults.push(other);
    server.tokens.set(token, [vault.id, other.id]);
    expect(await refusedBy(of("GitHub"))).toBe("there are several of this vault; give its id");
    server.vaults.pop();
    server.tokens.set(token, [vault.id]);
  });

  test("by its label, its id, and its section", async () => {
    const id = connectId();
    vault.items.push({
      id,
      title: "Sections",
      sections: [
        { id: "s1", label: "staging" },
        { id: "s2", label: "production" },
      ],
      fields: [
        { id: "a", label: "token", value: "one", section: { id: "s1" } },
        { id: "b", label: "token", value: "two", section: { id: "s2" } },
        { id: "password", label: "password" },
      ],
    });
    expect(await refusedBy(of(id))).toBe("there are several of this field; name its section");
    expect((await of(id, { section: "production" }).read()).value).toBe("two");
    expect((await of(id, { section: "s1" }).read()).value).toBe("one");
    expect((await of(id, { field: "b" }).read()).value).toBe("two");
    expect(await refusedBy(of(id, { section: "absent" }))).toBe("the item has no such field");
    expect(await refusedBy(of(id, { field: "password" }))).toBe("the item has no such field");
    expect(await refusedBy(of(id, { field: "constructor" }))).toBe("the item has no such field");
    expect(of(id, { section: "x" }).name).toMatch(/\/x\/token$/);
  });

  test("an id that the server makes up leads nowhere else", async () => {
    server.faults.push({ status: 200, body: [{ id: "../../other", name: vault.name }] });
    expect(await refusedBy(of("GitHub"))).toBe("there is no such vault");
    expect(server.asked).toHaveLength(1);
  });
});

describe("who asks", () => {
  test("a vault that the token may not read", async () => {
    expect(await refusedBy(of("GitHub", { vault: "Closed" }))).toBe("there is no such vault");
    const byId = of("GitHub", { vault: closed.id });
    expect(await refusedBy(byId, [token])).toBe("access is denied (status 403)");
  });

  test("a token is read from the environment each time, so that it can be rotated", async () => {
    put("Rotated", [field("canary")]);
    const source = of("Rotated");
    vi.stubEnv("OP_CONNECT_TOKEN", "eyJrevoked");
    const why = "the token is not accepted (status 401)";
    expect(await refusedBy(source, ["eyJrevoked"])).toBe(why);
    vi.stubEnv("OP_CONNECT_TOKEN", undefined);
    expect(await refusedBy(source)).toBe("OP_CONNECT_TOKEN is not set");
    vi.stubEnv("OP_CONNECT_TOKEN", token);
    expect((await source.read()).value).toBe("canary");
  });

  test("wrong options are refused at once, and not quoted", () => {
    for (const option of ["vault", "item", "field"]) {
      expect(() => of("GitHub", { [option]: "" })).toThrow(
        new TypeError(`onepassword: ${option}: must be a text that is not empty`),
      );
    }
    vi.stubEnv("OP_CONNECT_HOST", undefined);
    expect(() => of("GitHub")).toThrow(/^onepassword: address, or OP_CONNECT_HOST: must be/);
    expect(() => of("GitHub", { address: "http://connect.example" })).toThrow(
      new TypeError("onepassword: address: must be an https URL (http only on loopback)"),
    );
  });
});
