import type { MakeInvariant } from "./invariant.ts";

/** What devices of each kind may sign: docs/protocol.md, docs/money.md and docs/trade.md have the roles. */
const ROLES: Readonly<Record<"agent" | "module", readonly string[]>> = {
	agent: ["A", "B", "LA", "PA", "RC", "CO"],
	module: ["X", "Y", "LM", "PM", "RC", "NO", "TR", "RE", "SC"],
};

/** No signature can be taken for another: what is signed begins with a role that the device has, and one thing is signed in one role. */
export const signatures: MakeInvariant = (_, fail) => ({
	signed(device, content) {
		const end = content.indexOf(0);
		const said = Buffer.from(content.subarray(0, end)).toString("latin1");
		const role = said.replace(/^tetrad\/1 /, "");
		if (role === said || !ROLES[device.role].includes(role))
			fail(`${device.name} signs something that does not say for what`);
	},
});
