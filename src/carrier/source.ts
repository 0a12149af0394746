import { isIPv4 } from "node:net";

/** Of an IPv6 address: what a provider gives one customer, who has all addresses below it. */
const IPV6_GROUPS = 4;

/**
 * For whom limits by address are: an IPv4 address, also one that is written in IPv6, or the first
 * 64 bits of an IPv6 address, as `2001:db8:0:0/64`.
 */
export function sourceOf(address: string): string {
	const [bare = ""] = address.toLowerCase().split("%");
	const mapped = /^::ffff:(\d+\.\d+\.\d+\.\d+)$/.exec(bare)?.[1] ?? bare;
	if (isIPv4(mapped)) return mapped;
	const [head = "", tail] = bare.split("::");
	const before = groupsOf(head);
	const after = groupsOf(tail ?? "");
	const missing = tail === undefined ? 0 : 8 - before.length - after.length;
	const groups = [...before, ...Array<string>(missing).fill("0"), ...after];
	return `${groups.slice(0, IPV6_GROUPS).join(":")}/64`;
}

/** Without leading zeros; an IPv4 address at the end is two groups. */
function groupsOf(part: string): string[] {
	return part
		.split(":")
		.filter((group) => group !== "")
		.flatMap((group) =>
			group.includes(".")
				? ["0", "0"]
				: [Number.parseInt(group, 16).toString(16)],
		);
}
