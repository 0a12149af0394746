/* A token that is taken away while a tetrad is made with its key. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import type { TetradError } from "../../src/errors.ts";
import type { Signer } from "../../src/identity/index.ts";
import { createKey } from "../../src/keys/index.ts";
import { PLACES, type Place } from "../../src/tetrad/index.ts";
import { SoftHsm, skipUnless } from "../support/tokens.ts";
import { chainFor, Devices, hear, say } from "./support.ts";

describe("a token that is taken away", { skip: skipUnless("softhsm") }, () => {
	for (const place of PLACES)
		test(`at each step of an establishment, as ${place} signs with it, is said there, and works again`, async () => {
			await using hsm = await SoftHsm.make("keys");
			const pkcs11 = hsm
				.uri({ token: "keys" })
				.replace("?", `;object=${place}?`);
			await using key = await createKey({ pkcs11 }, "P-256", { folder: "/" });
			let unplugging: Promise<void> | undefined;
			const signer: Signer = {
				algorithm: key.algorithm,
				publicKey: key.publicKey,
				async sign(message) {
					await unplugging;
					return key.sign(message);
				},
			};
			const chain = await chainFor(place, key);
			await using devices = await Devices.make({
				module: { onTetrad: () => {} },
				device: (at: Place) =>
					at === place ? { identity: { signer, chain } } : {},
			});
			let steps = 0;
			devices.watch = () => {
				steps++;
			};
			await (await devices.meet().connecting).close();
			const all = steps;
			assert.ok(all > 8);
			let said = 0;
			for (let at = 0; at < all; at++) {
				await devices.reset();
				let step = 0;
				devices.watch = () => {
					if (step++ === at) unplugging = hsm.unplug();
				};
				const { connecting, accepting } = devices.meet();
				const codes = await Promise.all(
					[connecting, accepting].map((promise) =>
						promise.then(
							() => "a tetrad",
							({ code }: TetradError) => code,
						),
					),
				);
				const own = codes[place === "A" || place === "X" ? 0 : 1];
				if (own !== "a tetrad") {
					// A module that cannot sign for its link only refuses it; its own owner hears why.
					const forLink = place === "X" || place === "Y";
					if (own === "key-store-failed") said++;
					else assert.ok(forLink && own === "refused-by-peer", `${own}`);
					const other = codes[place === "A" || place === "X" ? 1 : 0];
					assert.ok(
						other === "refused-by-peer" || other === "truncated",
						`step ${at}: ${other}`,
					);
				}
				devices.watch = () => {};
				await unplugging;
				unplugging = undefined;
				await hsm.plugIn();
				const { connecting: again, accepting: answering } = devices.meet();
				const [a, b] = [await again, await answering];
				await a.agent.send(say("back again"));
				assert.equal(await hear(b.agent), "back again");
				await a.close();
			}
			assert.ok(said > 0);
		});
});
