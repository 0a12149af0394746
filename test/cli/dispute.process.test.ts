/* Goods that are not what their merchant signed for: the evidence that a buyer's agent has kept, and who judges it. */
import assert from "node:assert/strict";
import { writeFile } from "node:fs/promises";
import { join } from "node:path";
import { after, before, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { AgentStore } from "../../src/device/purse/agent-store.ts";
import { printPem } from "../../src/identity/index.ts";
import {
	encodeItemDescription,
	exporterHash,
	keyHash,
} from "../../src/trade/documents/index.ts";
import { encodeMerchandiseEvidence } from "../../src/trade/merchandise/index.ts";
import {
	beginPurchase,
	concludePurchase,
} from "../../src/trade/records/index.ts";
import { hex } from "../../src/wire/index.ts";
import { done, refused } from "../support/commands.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import { run } from "../support/processes.ts";
import {
	content,
	evidenceOf,
	lying,
	SALE,
	type Sold,
	sell,
} from "../trade/merchandise-support.ts";
import { TradeWorld } from "../trade/world.ts";

const world = await TradeWorld.make();

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let homes: Homes;
let root: string;

before(async () => {
	folder = await temporaryFolder();
	homes = await Homes.make(folder.path);
	root = join(folder.path, "root.pem");
	const { agencies } = world.world.policy;
	await writeFile(
		root,
		printPem(agencies.map(({ certificate }) => certificate.der)),
	);
});
after(() => folder[Symbol.asyncDispose]());

/** A purchase that is over, with evidence about one of its chunks, in the store of A. */
async function bought({ terms, chunks }: Sold, index: number) {
	const { key, exporter } = SALE;
	const contract = await world.contract({
		...terms,
		keyHash: keyHash(nodeCrypto, key),
		exporterHash: exporterHash(nodeCrypto, exporter),
	});
	const { chain } = world.parties.sellerAgent;
	const evidence = encodeMerchandiseEvidence({
		...evidenceOf(chunks, index),
		contract: contract.document,
		chain,
	});
	await using store = await AgentStore.open(homes.of("A"));
	await store.transact(
		beginPurchase({
			contract: contract.hash,
			offer: new Uint8Array(16),
			time: BigInt(Date.now()),
			document: contract.document,
			chain,
			issuer_chain: chain,
			salt: new Uint8Array(32),
			description: encodeItemDescription({
				...{ name: "photo.jpg", mediaType: "", about: "", order: "" },
			}),
			exporter,
			exponent: 2n,
			play: 1n,
			merchant: "shop\u001b[2J",
			merchant_module: "till",
			address: "",
			target: join(folder.path, "photo.jpg"),
			overwrite: 0n,
		}),
	);
	await store.transact(
		concludePurchase(
			contract.hash,
			{
				kind: "final",
				key,
				receipt: new Uint8Array(),
				receiptChain: new Uint8Array(),
				evidence,
			},
			Date.now(),
		),
	);
	return hex(contract.hash);
}

const RIGHT = sell(content(200_000));
const WRONG = lying(
	RIGHT.chunks.map((chunk) =>
		chunk.index === 1 ? { ...chunk, sealed: chunk.sealed.with(60, 7) } : chunk,
	),
);

test("a wrong chunk is evidence, which says what it gives away and is judged by itself", async () => {
	const contract = await bought(WRONG, 1);
	const out = join(folder.path, "photo.evidence");
	const wrote = await run([
		...["dispute", contract.slice(0, 8), "--home", homes.of("A")],
		...["--out", out],
	]);
	assert.equal(wrote.code, 0, wrote.stderr);
	assert.match(
		wrote.stdout,
		/it shows that chunk, and the key of this one sale/,
	);
	assert.ok(!wrote.stdout.includes("\u001b[2J"));
	const proved = await done(["verify", out, "--agency", root]);
	assert.deepEqual(
		[proved["proved"], proved["chunk"], proved["contract"]],
		[true, 1, contract],
	);
	const { purchases } = (await done([
		...["purchases", "--home", homes.of("A")],
	])) as { purchases: { state: string }[] };
	assert.equal(purchases[0]?.state, "wrong");
	await refused(["verify", out], /say which agency certified/, 2);
	const other = homes.at("agency", "root.pem");
	const strangers = await run(["verify", out, "--agency", other]);
	assert.equal(strangers.code, 1);
	assert.match(strangers.stdout, /it proves nothing/);
});

test("a right chunk accuses nobody", async () => {
	const contract = await bought(RIGHT, 2);
	const out = join(folder.path, "right.evidence");
	await done([...["dispute", contract, "--home", homes.of("A"), "--out", out]]);
	const judged = await run(["verify", out, "--agency", root, "--json"]);
	assert.equal(judged.code, 1);
	assert.equal(JSON.parse(judged.stdout).proved, false);
});

test("there is no receipt where none has come, and no dispute about what is unknown", async () => {
	const [first] = (
		(await done(["purchases", "--home", homes.of("A")])) as {
			purchases: { contract: string }[];
		}
	).purchases;
	const to = ["--home", homes.of("A"), "--out", join(folder.path, "x")];
	await refused(
		["receipt", first?.contract ?? "", ...to],
		/its merchant never sent one/,
		2,
	);
	await refused(["dispute", "00000000", ...to], /nothing was bought here/, 2);
});
