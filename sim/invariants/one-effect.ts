import { hex } from "../../src/wire/index.ts";
import type { MakeInvariant } from "./invariant.ts";

/** One id has one effect: a contract is paid with one transfer, and answered with one receipt and one key, for ever. */
export const oneEffect: MakeInvariant = (world, fail) => {
	const first = new Map<string, string>();
	const once = (
		what: string,
		device: string,
		contract: Uint8Array,
		value: unknown,
	) => {
		if (!(value instanceof Uint8Array) || value.length === 0) return;
		const name = `${device}: the ${what} of ${hex(contract).slice(0, 8)}`;
		const known = first.get(name);
		if (known === undefined) first.set(name, hex(value));
		else if (known !== hex(value)) fail(`${name} was another one before`);
	};
	return {
		durable(device, writes) {
			const side = world.sideOf(device);
			// One that was put back may be asked again for what it has forgotten.
			if (side === undefined || side.wasRestored || device.disk.rotten > 0)
				return;
			for (const write of writes) {
				if (write.kind === "delete") continue;
				const { table, row } = write;
				const isEcash =
					table.name === "ecash_paid" || table.name === "ecash_sold";
				if (table.name !== "payments" && table.name !== "receipts" && !isEcash)
					continue;
				const contract = row["contract"] as Uint8Array;
				const what =
					table.name === "payments" || table.name === "ecash_paid"
						? "payment"
						: "sale";
				if (isEcash)
					once(`lock for the ${what}`, device.name, contract, row["lock"]);
				once(
					`transfer for the ${what}`,
					device.name,
					contract,
					row["transfer_id"],
				);
				if (table.name === "receipts" && row["state"] === "to-book") continue;
				once(`receipt for the ${what}`, device.name, contract, row["receipt"]);
				once(`key for the ${what}`, device.name, contract, row["key"]);
			}
		},
	};
};
