import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MoneyModule } from "../../src/device/runtime/money-module.ts";
import { TrustedAgent } from "../../src/device/runtime/trusted-agent.ts";

describe("a device that is made without types", () => {
	const made = { TrustedAgent, MoneyModule };
	const signer = { sign: async () => new Uint8Array(64) };
	const identity = { signer, chain: new Uint8Array(1) };
	for (const [options, missing] of [
		[undefined, "identity.signer"],
		[{}, "identity.signer"],
		[{ identity: { signer: {} } }, "identity.signer"],
		[{ identity: { signer } }, "identity.chain"],
		[{ identity: { signer, chain: "MIIB" } }, "identity.chain"],
		[{ identity }, "policy"],
		[{ identity, policy: { agencies: [] } }, "policy"],
	] as const)
		for (const [name, Device] of Object.entries(made))
			test(`${name} of ${JSON.stringify(options)} names ${missing}`, () => {
				assert.throws(
					() => Reflect.construct(Device, [options]),
					(error: Error & { code?: string }) =>
						error.code === "invalid-argument" &&
						error.message.startsWith(`new ${name}({ … }) needs ${missing}: `),
				);
			});
});
