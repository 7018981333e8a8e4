import { lookup as systemLookup, type LookupAddress } from "node:dns";
import { BlockList, isIP } from "node:net";

/**
 * Addresses that no public service lives at (IANA's special-purpose registries): loopback, private,
 * link-local, shared (CGNAT), multicast, documentation, and every IPv6 form that carries an IPv4 address;
 * and what a cloud answers its own machines at. That is mostly link-local (169.254.169.254), shared
 * (100.100.100.200), or unique local (fd00:ec2::254).
 */
const NOT_PUBLIC_V4: BlockList = new BlockList();
// Apart, because an IPv4 address is also looked up as the v4-mapped one that it would be.
const NOT_PUBLIC_V6: BlockList = new BlockList();

const SUBNETS_V4: readonly (readonly [string, number])[] = [
  ["0.0.0.0", 8],
  ["10.0.0.0", 8],
  ["100.64.0.0", 10],
  ["127.0.0.0", 8],
  ["168.63.129.16", 32], // Azure's own, in every virtual network
  ["169.254.0.0", 16],
  ["172.16.0.0", 12],
  ["192.0.0.0", 24],
  ["192.0.2.0", 24],
  ["192.88.99.0", 24],
  ["192.168.0.0", 16],
  ["198.18.0.0", 15],
  ["198.51.100.0", 24],
  ["203.0.113.0", 24],
  ["224.0.0.0", 4],
  ["240.0.0.0", 4],
];

/** Of what is global: the other forms of an IPv4 address, such as `::ffff:` and `64:ff9b::`, are not. */
const SUBNETS_V6: readonly (readonly [string, number])[] = [
  ["2001::", 23], // Teredo and other protocol assignments
  ["2001:db8::", 32],
  ["2002::", 16], // 6to4
  ["3fff::", 20],
];

/** The only part of IPv6 that is given out for use everywhere (RFC 4291 §2.4). */
const GLOBAL_V6: BlockList = new BlockList();
GLOBAL_V6.addSubnet("2000::", 3, "ipv6");
for (const [net, prefix] of SUBNETS_V4) NOT_PUBLIC_V4.addSubnet(net, prefix, "ipv4");
for (const [net, prefix] of SUBNETS_V6) NOT_PUBLIC_V6.addSubnet(net, prefix, "ipv6");

/** Whether an address is one that a service on the public internet may have. Anything else is not. */
export function isPublicAddress(address: string): boolean {
  // A zone (`fe80::1%eth0`) names an interface of this machine.
  const family = address.includes("%") ? 0 : isIP(address);
  if (family === 4) return !NOT_PUBLIC_V4.check(address, "ipv4");
  if (family !== 6 || !GLOBAL_V6.check(address, "ipv6")) return false;
  return !NOT_PUBLIC_V6.check(address, "ipv6");
}

/** An address that must not be connected to. Its message names the host and nothing of the request. */
export class AddressRefused extends Error {
  override readonly name = "AddressRefused";
  constructor(host: string) {
    super(`${host} is not at a public address; such a service says network: "private"`);
  }
}

type LookupCallback = (
  error: NodeJS.ErrnoException | null,
  address: string | LookupAddress[],
  family?: number,
) => void;

/** The part of `dns.lookup` that `net.connect` uses. */
export type Lookup = (
  host: string,
  options: { readonly all?: boolean | undefined; readonly family?: number | string | undefined },
  callback: LookupCallback,
) => void;

const resolveAll: Lookup = (host, options, callback) => {
  const family = options.family === 4 || options.family === 6 ? options.family : 0;
  systemLookup(host, { all: true, family }, callback);
};

/**
 * A look-up that gives public addresses only. What it gives is what is connected to, so a name that
 * changes its address between a check and the connection has nothing to gain. One address that is not
 * public refuses them all.
 */
export function publicLookup(resolve: Lookup = resolveAll): Lookup {
  return (host, options, callback) => {
    resolve(host, { ...options, all: true }, (error, found) => {
      if (error !== null) return callback(error, []);
      const addresses = Array.isArray(found) ? found : [];
      const [first] = addresses;
      if (first === undefined || !addresses.every(({ address }) => isPublicAddress(address))) {
        return callback(new AddressRefused(host), []);
      }
      if (options.all === true) callback(null, addresses);
      else callback(null, first.address, first.family);
    });
  };
}
