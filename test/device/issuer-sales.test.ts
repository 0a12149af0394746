/* A selling secret over a real tetrad: for the module that asks, and the agent that it stands behind there. */
import assert from "node:assert/strict";
import { test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { Issuer } from "../../src/device/issuer/index.ts";
import { LEDGER_SCHEMA, messages } from "../../src/money/index.ts";
import { openSqliteStore } from "../../src/store/index.ts";
import {
	parseSellingCertificate,
	secretHash,
	sellingSecret,
	verifySellingCertificate,
} from "../../src/trade/documents/index.ts";
import { copy, hex } from "../../src/wire/index.ts";
import { filled } from "../money/documents.ts";
import { moduleOf, PLAY } from "./purse-support.ts";
import { Devices } from "./support.ts";

const { WITH_ISSUER, body, message } = messages;

test("an issuer certifies a secret for who the tetrad proves to be there", async () => {
	const issuer = await moduleOf("Y", "mint");
	const sellingMaster = filled(32, 0x3a);
	await using store = await openSqliteStore({
		path: ":memory:",
		schema: LEDGER_SCHEMA,
	});
	await using purse = new Issuer({
		parameters: { currency: PLAY, isPlay: true },
		store,
		sellingMaster,
		report: () => {},
	});
	await using devices = await Devices.make({
		device: (place) =>
			place === "Y" ? { identity: issuer.identity, purse } : {},
	});
	const { connecting } = devices.meet();
	const agent = await connecting;
	const tetrad = await devices.X.accept();
	const request = nodeCrypto.random(16);
	const asked = message(WITH_ISSUER.secret, { request, generation: 7 });
	await tetrad.module.send(copy(asked));
	const { value } = await tetrad.module[Symbol.asyncIterator]().next();
	const answer = body(WITH_ISSUER.sellingSecret, value ?? new Uint8Array());
	assert.equal(hex(answer.request), hex(request));
	assert.equal(hex(answer.chain), hex(issuer.device.encodedChain));
	const read = parseSellingCertificate(answer.certificate);
	verifySellingCertificate(nodeCrypto, read, issuer.device);
	const seller = {
		module: agent.parties.X.deviceId,
		agent: agent.parties.A.deviceId,
		generation: 7,
	};
	assert.equal(hex(read.module), hex(seller.module));
	assert.equal(hex(read.agent), hex(seller.agent));
	assert.equal(
		hex(answer.secret),
		hex(sellingSecret(nodeCrypto, sellingMaster, seller)),
	);
	assert.equal(
		hex(read.secretHash),
		hex(secretHash(nodeCrypto, answer.secret)),
	);
});
