/* What the doctor makes of the servers that may have a ledger. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { describe, test } from "node:test";
import type { Finding, Patient } from "../../src/device/doctor/check.ts";
import {
	LEDGER,
	ledgerFindings,
} from "../../src/device/doctor/ledger-check.ts";
import type { DatabaseLocation } from "../../src/device/home/index.ts";
import { temporaryFolder } from "../support/folders.ts";

const primary = { where: "A", kind: "taken", standbys: 2 } as const;
const standby = { where: "B", kind: "standby" } as const;
const gone = { where: "C", kind: "refused", why: "C is gone" } as const;

const kinds = (...args: Parameters<typeof ledgerFindings>) =>
	ledgerFindings(...args).map(({ kind }) => kind);

describe("the servers of a ledger", () => {
	test("are well when one has it and the others follow, and worth a word when one is gone", () => {
		assert.deepEqual(kinds([primary, standby], true), ["fine", "fine"]);
		assert.deepEqual(kinds([gone, primary], true), ["note", "fine"]);
	});

	test("are wrong when none can be written to, and when two can", () => {
		assert.deepEqual(kinds([gone], true), ["wrong"]);
		assert.deepEqual(kinds([gone, standby], true), ["wrong", "fine"]);
		assert.deepEqual(kinds([standby], true), ["fine", "wrong"]);
		const two = ledgerFindings([primary, { ...primary, where: "B" }], true);
		assert.equal(two.at(-1)?.kind, "wrong");
		assert.match(two.at(-1)?.what ?? "", /^2 of its servers/);
	});

	test("that may take over from each other without having everything are worth a word", () => {
		assert.deepEqual(kinds([primary], false), ["fine"]);
		assert.deepEqual(kinds([primary, standby], false), [
			"fine",
			"fine",
			"note",
		]);
	});

	/** What is found of an issuer whose settings say this. */
	async function findings(
		database: DatabaseLocation | undefined,
		kind: "issuer" | "shop" = "issuer",
	): Promise<readonly Finding[]> {
		await using home = await temporaryFolder();
		const write = (file: string, content: unknown) =>
			writeFile(
				`${home.path}/${file}`,
				typeof content === "string" ? content : JSON.stringify(content),
				{ mode: 0o600 },
			);
		await write("device.json", {
			...{ version: 2, role: "module", name: "mint", key: { file: "key" } },
		});
		await write("issuer.json", {
			...{ version: 1, currency: "PLAY", exponent: 2, play: true },
			...{ noteDays: 90, graceDays: 7, database },
		});
		await write(
			"postgres.url",
			"postgres://u:geheim@127.0.0.1:1,127.0.0.1:2/x\n",
		);
		return await LEDGER.look({
			side: { kind } as Patient["side"],
			devices: [{ role: "module", home: home.path }],
			machine: {} as Patient["machine"],
		});
	}

	test("are asked, by the address that the settings name, and the password in it is not repeated", async () => {
		const found = await findings({ file: "postgres.url", synchronous: true });
		assert.deepEqual(
			found.map(({ kind }) => kind),
			["wrong", "wrong"],
		);
		assert.match(found[1]?.what ?? "", /127\.0\.0\.1:2 .*ECONNREFUSED/);
		assert.doesNotMatch(JSON.stringify(found), /geheim/);
	});

	test("are none of a ledger in the home, and cannot be asked by an address that is not there", async () => {
		assert.deepEqual(await findings(undefined), []);
		assert.deepEqual(await findings({ file: "postgres.url" }, "shop"), []);
		const [found, ...more] = await findings({ env: "TETRAD_NOT_SET_HERE" });
		assert.equal(found?.kind, "note");
		assert.deepEqual(more, []);
	});
});
