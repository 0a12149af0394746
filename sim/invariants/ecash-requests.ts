import { endpointOf } from "../../src/mint/index.ts";
import { hex, parseUtf8 } from "../../src/wire/index.ts";
import type { Device } from "../device.ts";
import { ecashRow, Swaps } from "./ecash-rows.ts";
import type { MakeInvariant } from "./invariant.ts";

/** What is asked of a mint that moves money, as far as it is looked at. */
interface Asked {
	readonly inputs?: readonly {
		readonly secret: string;
		readonly witness?: string;
	}[];
}

const MOVES_MONEY: ReadonlySet<string | undefined> = new Set([
	"swap",
	"mint",
	"melt",
]);

/**
 * What moves money at a mint is on the disk before it is asked, to the last byte; and nobody begins
 * to ask for money back before the deadline, by its own clock.
 */
export const ecashRequests: MakeInvariant = (world, fail) => {
	const swaps = new Swaps(world);
	/** By device and body. */
	const durable = new Set<string>();
	/** By device and secret, what it has asked for to have it back. */
	const begun = new Set<string>();
	const nameOf = ({ name }: Pick<Device, "name">, body: Uint8Array) =>
		`${name} ${hex(body)}`;
	return {
		durable(device, writes) {
			for (const write of writes) {
				if (write.kind === "delete") continue;
				const found = ecashRow(write.table, write.row);
				if (found === undefined) continue;
				for (const { request } of swaps.of(device, found))
					durable.add(nameOf(device, request.body));
			}
		},
		asked(device, mint, { path, body }) {
			if (!MOVES_MONEY.has(endpointOf(path))) return;
			if (!durable.has(nameOf(device, body)))
				fail(
					`${device.name} asks ${mint.name} for something that it has not written down`,
				);
			const { inputs = [] }: Asked = JSON.parse(parseUtf8(body));
			for (const { secret, witness } of inputs) {
				if (witness === undefined || !secret.startsWith("[")) continue;
				if (JSON.parse(witness).preimage !== "") continue;
				// Begun once, it is asked for until the mint has answered, whatever clocks say since.
				if (begun.has(`${device.name} ${secret}`)) continue;
				begun.add(`${device.name} ${secret}`);
				const [, deadline = "0"] = /"locktime","(\d+)"/.exec(secret) ?? [];
				if (device.now() < Number(deadline) * 1000)
					fail(
						`${device.name} asks ${mint.name} for money back before the deadline`,
					);
			}
		},
	};
};
