import { formatAddress } from "../../carrier/index.ts";
import {
	type Given,
	MODULE_AT,
	SOCKET_OF_AGENT,
	withSide,
} from "../side-flags.ts";
import type { ResolveFlags } from "./resolve.ts";

interface ResolveAt extends ResolveFlags {
	readonly address: string;
}

export type GivenToResolve = Given<ResolveFlags, "module">;

/** Who is asked and how, as far as it is not said, by the settings of the side. */
export async function resolveWithSide(
	named: string | undefined,
	flags: GivenToResolve,
): Promise<[string, ResolveFlags]> {
	const given = named === undefined ? flags : { ...flags, address: named };
	const { address, ...all } = await withSide<
		ResolveAt,
		"module" | "socket" | "address" | "out"
	>(given, "agent", {
		module: MODULE_AT,
		socket: SOCKET_OF_AGENT,
		address: {
			of: ({ issuer }) =>
				issuer === undefined || flags.merchant
					? undefined
					: formatAddress(issuer.at),
			need: flags.merchant
				? "where the merchant's agent answers"
				: "where the issuer's agent answers",
			...(flags.merchant ? {} : { key: "issuer.at" }),
		},
		out: { of: ({ buyFolder }) => buyFolder },
	});
	return [address, all];
}
