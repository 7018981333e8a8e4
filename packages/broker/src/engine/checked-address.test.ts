import { expect, test } from "vitest";
import { isPublicAddress, type Lookup, publicLookup } from "./checked-address.ts";

test.each([
  "127.0.0.1",
  "127.255.255.254",
  "0.0.0.0",
  "10.1.2.3",
  "100.64.0.1",
  "169.254.169.254",
  "172.16.0.1",
  "172.31.255.255",
  "192.168.1.1",
  "192.0.0.8",
  "198.18.0.1",
  "224.0.0.1",
  "240.0.0.1",
  "255.255.255.255",
  "::",
  "::1",
  "::ffff:127.0.0.1",
  "::ffff:8.8.8.8",
  "::ffff:a00:1",
  "::127.0.0.1",
  "64:ff9b::a00:1",
  "64:ff9b:1::1",
  "2002:7f00:1::",
  "2001:0:1::",
  "2001:db8::1",
  "fc00::1",
  "fd12:3456::1",
  "fe80::1",
  "fe80::1%eth0",
  "fec0::1",
  "ff02::1",
  "100::1",
  // What clouds answer their machines at.
  "168.63.129.16",
  "100.100.100.200",
  "192.0.0.192",
  "fd00:ec2::254",
  "fd20:ce::254",
  // IPv4 in the ways that IPv6 has for it: mapped, translated, NAT64, 6to4, Teredo.
  "::ffff:169.254.169.254",
  "::ffff:0:169.254.169.254",
  "64:ff9b::169.254.169.254",
  "64:ff9b::8.8.8.8",
  "2002:a9fe:a9fe::1",
  "2001:0:a9fe:a9fe::1",
  // Of no use, or given out to nobody.
  "100:0:0:1::1",
  "3fff::1",
  "5f00::1",
  "4000::1",
  "1fff::1",
  "e000::1",
  "localhost",
  "",
  "127.1",
])("%s is not public", (address) => {
  expect(isPublicAddress(address)).toBe(false);
});

test.each([
  "1.1.1.1",
  "8.8.8.8",
  "140.82.112.3",
  "172.32.0.1",
  "168.63.129.17",
  "2606:4700::1111",
  "2a00:1450::1",
])("%s is public", (address) => {
  expect(isPublicAddress(address)).toBe(true);
});

function looked(addresses: readonly string[], all: boolean): Promise<unknown> {
  const resolve: Lookup = (_host, _options, callback) => {
    callback(
      null,
      addresses.map((address) => ({ address, family: address.includes(":") ? 6 : 4 })),
    );
  };
  return new Promise((done, reject) => {
    publicLookup(resolve)("api.example", { all }, (error, address) => {
      if (error === null) done(address);
      else reject(error);
    });
  });
}

test("a look-up gives what was checked, in both of its forms", async () => {
  expect(await looked(["1.1.1.1", "2606:4700::1111"], false)).toBe("1.1.1.1");
  expect(await looked(["1.1.1.1"], true)).toEqual([{ address: "1.1.1.1", family: 4 }]);
});

test.each([[["127.0.0.1"]], [["1.1.1.1", "10.0.0.1"]], [["::ffff:1.1.1.1"]], [[]]])(
  "a name at %j is refused",
  async (addresses) => {
    await expect(looked(addresses, true)).rejects.toThrow("not at a public address");
    await expect(looked(addresses, false)).rejects.toThrow("not at a public address");
  },
);
