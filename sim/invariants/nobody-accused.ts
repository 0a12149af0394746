import type { MakeInvariant } from "./invariant.ts";

/** Nobody in a simulated world lies, so that no issuer ever has evidence of double spending. */
export const nobodyAccused: MakeInvariant = (_, fail) => ({
	durable(device, writes) {
		if (writes.some(({ table }) => table.name === "conflicts"))
			fail(`${device.name} accuses somebody of double spending`);
	},
	issuerReported(issuer, report) {
		if (report.kind === "double-spending")
			fail(`${issuer.name} reports double spending`);
	},
});
