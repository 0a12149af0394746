/* An issuer's clock that leaves its certificate while a tetrad is open. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { Issuer } from "../../src/device/issuer/index.ts";
import { LEDGER_SCHEMA } from "../../src/money/index.ts";
import { openSqliteStore } from "../../src/store/index.ts";
import { balance } from "../money/mint.ts";
import { moduleOf, PLAY } from "./purse-support.ts";
import { Devices } from "./support.ts";

for (const edge of ["notBefore", "notAfter"] as const)
	test(`an issuer whose clock leaves its certificate serves nobody, in a tetrad that is open either (${edge})`, async () => {
		const issuer = await moduleOf("Y", "mint");
		let ahead = 0;
		const refused: string[] = [];
		await using store = await openSqliteStore({
			path: ":memory:",
			schema: LEDGER_SCHEMA,
		});
		await using purse = new Issuer({
			parameters: { currency: PLAY, isPlay: true },
			store,
			report: () => {},
			refused: (_, { code }) => refused.push(code),
		});
		await using devices = await Devices.make({
			device: (place) =>
				place === "Y"
					? {
							...{ identity: issuer.identity, purse },
							clock: { now: () => Date.now() + ahead },
						}
					: {},
		});
		const { connecting } = devices.meet();
		await connecting;
		const tetrad = await devices.X.accept();
		const answers = tetrad.module[Symbol.asyncIterator]();
		await tetrad.module.send(balance());
		assert.equal((await answers.next()).done, false);
		const { notBefore, notAfter } = issuer.device;
		const edgeAt = edge === "notAfter" ? notAfter + 60_000 : notBefore - 60_000;
		ahead = edgeAt - Date.now();
		await tetrad.module.send(balance());
		assert.equal((await answers.next()).done, true);
		assert.deepEqual(refused, ["chain-refused"]);
	});
