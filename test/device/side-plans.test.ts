/* With what the devices of a side are started. */
import assert from "node:assert/strict";
import { join } from "node:path";
import { test } from "node:test";
import type { SideKind, SideSettings } from "../../src/device/side/index.ts";
import { plansOfSide } from "../../src/device/supervisor/side-plans.ts";

const path = "/srv/bob";

const sideOf = (kind: SideKind): SideSettings => ({
	...{ kind, name: "bob", path },
	agent: {
		home: join(path, "agent"),
		listen: { kind: "tcp", host: "127.0.0.1", port: 7000 },
		processes: 1,
	},
	module: {
		home: join(path, "module"),
		at: { kind: "unix", path: join(path, "run/link.sock") },
		runs: "apart",
	},
	furtherModules: [],
	issuer: {
		at: { kind: "tcp", host: "127.0.0.1", port: 7100 },
		termsPath: join(path, "issuer.terms.json"),
		settleEveryMs: 30_000,
	},
	buyWith: {},
	operate: {
		metrics: { kind: "tcp", host: "127.0.0.1", port: 7190 },
		...{ logBytes: 1_000_000, logKeep: 3, traces: "http://127.0.0.1:4318" },
	},
	secrets: { agent: {}, module: {} },
});

/** What follows that flag, by the name of the process. */
function said(side: SideSettings, flag: string) {
	return plansOfSide(side).map(({ name, args }) => [
		name,
		args.includes(flag) ? args[args.indexOf(flag) + 1] : undefined,
	]);
}

test("every device says how it is where the settings of its side say", () => {
	for (const kind of ["shop", "issuer"] as const)
		assert.deepEqual(said(sideOf(kind), "--metrics"), [
			["module", "127.0.0.1:7191"],
			["agent", "127.0.0.1:7190"],
		]);
	assert.deepEqual(said(sideOf("buyer"), "--metrics"), [
		["module", "127.0.0.1:7191"],
	]);
});

test("of several modules the further ones take a place that is free", () => {
	const side = sideOf("shop");
	const second = {
		home: join(path, "module-2"),
		at: { kind: "unix", path: join(path, "run/link-2.sock") },
		...({ runs: "apart", port: 7002, secrets: {} } as const),
	} as const;
	assert.deepEqual(said({ ...side, furtherModules: [second] }, "--metrics"), [
		["module", "127.0.0.1:7191"],
		["module 2", "127.0.0.1:0"],
		["agent", "127.0.0.1:7190"],
	]);
});

test("and every device traces where they say", () => {
	for (const kind of ["shop", "issuer", "buyer"] as const)
		for (const [name, url] of said(sideOf(kind), "--traces"))
			assert.equal(url, "http://127.0.0.1:4318", `${kind}: ${name}`);
});
