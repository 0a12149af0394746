/* What somebody sees who is lent bytes by a device, and looks at all the memory behind them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { type Carrier, memoryCarriers } from "../../src/carrier/index.ts";
import { nodeCrypto } from "../../src/crypto/index.ts";
import type { DeviceOptions } from "../../src/device/runtime/identity.ts";
import { pairInProcess } from "../../src/device/runtime/in-process.ts";
import { MoneyModule } from "../../src/device/runtime/money-module.ts";
import { TrustedAgent } from "../../src/device/runtime/trusted-agent.ts";
import type { Place } from "../../src/tetrad/index.ts";
import { copy, utf8 } from "../../src/wire/index.ts";
import { certify, policyOf } from "./support.ts";

/** The memory behind everything that was handed out, by who got it. */
class Seen {
	readonly #by = new Map<ArrayBufferLike, string>();

	note(who: string, { buffer }: Uint8Array): void {
		this.#by.set(buffer, who);
	}

	/** Who sees any of these, and what of it. */
	leaks(secrets: ReadonlyMap<string, Uint8Array>): string[] {
		return [...this.#by].flatMap(([buffer, who]) => {
			const memory = Buffer.from(buffer as ArrayBuffer);
			return [...secrets]
				.filter(([, secret]) => memory.includes(secret))
				.map(([name]) => `${who}: ${name}`);
		});
	}
}

/** A carrier of the application's own, over one of ours. */
function watched(carrier: Carrier, seen: Seen): Carrier {
	return {
		kind: carrier.kind,
		peer: carrier.peer,
		receive: (receiver) =>
			carrier.receive({
				frame(bytes) {
					seen.note("the carrier's receiver", bytes);
					receiver.frame(bytes);
					// Small Buffers of an application lie in the pool of all.
					seen.note("the application's own Buffer", Buffer.from("anything"));
				},
				closed: (error) => receiver.closed(error),
			}),
		send(bytes, owned) {
			seen.note("the carrier", bytes);
			return carrier.send(bytes, owned);
		},
		drained: () => carrier.drained(),
		written: () => carrier.written(),
		pause: () => carrier.pause(),
		resume: () => carrier.resume(),
		close: () => carrier.close(),
		destroy: (error) => carrier.destroy(error),
	};
}

describe("the memory behind what is handed out", () => {
	for (const routing of ["direct", "crossed"] as const)
		test(`shows no secret to a carrier, a signer or an application (${routing})`, async () => {
			const seen = new Seen();
			const secrets = new Map<string, Uint8Array>();
			const policy = await policyOf();
			const options = async (place: Place): Promise<DeviceOptions> => {
				const { signer, chain } = await certify(place);
				return {
					policy,
					identity: {
						chain,
						signer: {
							...signer,
							sign(message) {
								seen.note("the signer", message);
								return signer.sign(message);
							},
						},
					},
					unsafeKeylog(label, secret) {
						if (secret.length > 0 && !/^T$|_HASH$/.test(label))
							secrets.set(`${place} ${label}`, copy(secret));
					},
				};
			};
			await using a = new TrustedAgent(await options("A"));
			await using b = new TrustedAgent(await options("B"));
			await using x = new MoneyModule(await options("X"));
			await using y = new MoneyModule(await options("Y"));
			await pairInProcess(a, x);
			await pairInProcess(b, y);
			// Random, since the text of this file may lie in memory as well.
			const firstMessage = nodeCrypto.random(32);
			const message = nodeCrypto.random(32);
			secrets.set("first message", firstMessage);
			secrets.set("message", message);
			const [left, right] = memoryCarriers();
			const [atA, atB] = await Promise.all([
				a.connect(watched(left, seen), { routing, firstMessage }),
				b.accept(watched(right, seen)),
			]);
			await atA.agent.send(message);
			await atB.agent.receive();
			const got = await atB.agent.receive();
			assert.deepEqual(got, message);
			const atX = await x.accept();
			const atY = await y.accept();
			await atX.module.send(message);
			await atY.module.receive();

			for (const { parties, transcript } of [atA, atB, atX, atY]) {
				for (const device of Object.values(parties))
					for (const value of Object.values(device))
						if (value instanceof Uint8Array) seen.note("a party", value);
				for (const value of [
					transcript.outerHash,
					transcript.innerHash,
					transcript.offer.raw,
					transcript.offer.suites,
				])
					seen.note("the transcript", value);
			}
			seen.note("an exported key", atA.export("test", utf8(""), 32));
			assert.ok(secrets.has("A K") && secrets.has("Y R1"));
			assert.deepEqual(seen.leaks(secrets), []);
		});
});
