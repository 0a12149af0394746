import type { TetradError } from "../../src/errors.ts";
import { hex } from "../../src/wire/index.ts";
import { CANARY } from "../world.ts";
import type { MakeInvariant } from "./invariant.ts";

/**
 * What is secret is on no wire, in no store and in no log: the goods, what all keys of an issuer's
 * sales follow from, and the keys of pairings. What a merchant's module sells with is in its own
 * store, and nowhere else; goods are on their buyer's disk sealed until they are opened.
 */
export const canaries: MakeInvariant = (world, fail) => {
	const secrets = [
		CANARY,
		...world.issuers.map(({ master }) => master),
		...[...world.issuers, ...world.sides].map(
			({ name }) => world.pairing(name).ofAgent(CANARY).key,
		),
	].map((secret) => Buffer.from(secret));
	/** Of merchants, as they become durable, by themselves in hexadecimal. */
	const selling = new Map<string, Buffer>();
	const hasSecret = (bytes: Uint8Array): boolean => {
		const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
		return secrets.some((secret) => buffer.includes(secret));
	};
	const hasSelling = (bytes: Uint8Array): boolean => {
		const buffer = Buffer.from(bytes.buffer, bytes.byteOffset, bytes.length);
		return [...selling.values()].some((secret) => buffer.includes(secret));
	};
	const logged = (who: string, error: TetradError): void => {
		const { message } = error;
		const all = [...secrets, ...selling.values()];
		if (
			all.some((secret) =>
				[secret.toString("hex"), secret.toString("latin1")].some((text) =>
					message.includes(text),
				),
			)
		)
			fail(`${who} writes a secret into its log`);
	};
	return {
		sent(from, to, bytes) {
			if (hasSecret(bytes) || hasSelling(bytes))
				fail(`${from} sends ${to} a secret in clear`);
		},
		durable(device, writes) {
			for (const write of writes) {
				if (write.kind === "delete") continue;
				const isOfMerchant = write.table.name === "selling_secrets";
				for (const [column, cell] of Object.entries(write.row)) {
					if (!(cell instanceof Uint8Array)) continue;
					if (isOfMerchant && column === "secret")
						selling.set(hex(cell), Buffer.from(cell));
					else if (hasSecret(cell) || hasSelling(cell))
						fail(
							`${device.name} has a secret in ${write.table.name}.${column}`,
						);
				}
			}
		},
		heard: logged,
		reported({ module }, report) {
			if ("error" in report && report.error !== undefined)
				logged(module.name, report.error);
		},
		rested() {
			for (const { name, goods } of world.buyers)
				for (const { chunks } of goods.values())
					if (
						chunks.some(
							({ leaf, sealed }) => hasSecret(leaf) || hasSecret(sealed),
						)
					)
						fail(`${name} has goods in clear that it has not opened`);
		},
	};
};
