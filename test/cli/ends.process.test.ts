/* What an agent's process makes of messages that come with the end of their tetrad. */
import assert from "node:assert/strict";
import { createHash } from "node:crypto";
import { mkdir, readFile } from "node:fs/promises";
import { after, before, test } from "node:test";
import {
	type Carrier,
	connect,
	memoryCarriers,
} from "../../src/carrier/index.ts";
import { readHome } from "../../src/device/home/index.ts";
import {
	MoneyModule,
	type Tetrad,
	TrustedAgent,
} from "../../src/device/runtime/index.ts";
import { FILE, textMessage } from "../../src/talk/index.ts";
import { concat, utf8 } from "../../src/wire/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import {
	type Command,
	failureIn,
	startCaller,
	startModule,
	startServer,
} from "../support/processes.ts";

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let homes: Homes;
let Y: Command;

before(async () => {
	folder = await temporaryFolder();
	homes = await Homes.make(folder.path);
	Y = await startModule(homes, "Y");
});
after(async () => {
	await Y[Symbol.asyncDispose]();
	await folder[Symbol.asyncDispose]();
});

/** A carrier that keeps back what is sent after the first `through` frames, until it is closed. */
function keepingBack(carrier: Carrier, through: number): Carrier {
	const kept: Uint8Array[] = [];
	let sent = 0;
	return {
		kind: carrier.kind,
		peer: carrier.peer,
		receive: (receiver) => carrier.receive(receiver),
		send(bytes) {
			if (++sent <= through) return carrier.send(bytes);
			kept.push(bytes.slice());
			return true;
		},
		drained: () => carrier.drained(),
		written: () => carrier.written(),
		pause: () => carrier.pause(),
		resume: () => carrier.resume(),
		close() {
			if (kept.length > 0) carrier.send(concat(...kept.splice(0)));
			carrier.close();
		},
		destroy: (error) => carrier.destroy(error),
	};
}

/** A calls B; its flight 5, what `say` says and its close go out in one piece. */
async function callAndSayAtOnce(
	address: string,
	say: (tetrad: Tetrad) => Promise<void>,
): Promise<void> {
	await using atA = await readHome(homes.spare("A"), "agent");
	await using atX = await readHome(homes.spare("X"), "module");
	await using module = new MoneyModule(atX);
	await using agent = new TrustedAgent(atA);
	assert.ok(atA.pairing && atX.pairing);
	const { pairing } = atX;
	agent.useModule({
		pairing: atA.pairing,
		dial() {
			const [near, far] = memoryCarriers();
			module.serve(far, { pairing }).catch(() => {});
			return near;
		},
	});
	// Before flight 5 an agent that calls sends its offer and flight 3.
	const carrier = keepingBack(await connect(address), 2);
	const tetrad = await agent.connect(carrier, { routing: "crossed" });
	await say(tetrad);
	await tetrad.close();
}

test("every message that came with the end of its tetrad is heard, and a greeting that could not be sent is said", async () => {
	await using B = (
		await startServer(homes, "B", homes.socket("Y"), "--greet", "hello")
	).agent;
	const { address } = await B.expect("listening");
	const texts = Array.from({ length: 20 }, (_, i) => `text ${i}`);
	await callAndSayAtOnce(address, async ({ agent }) => {
		for (const text of texts) await agent.send(textMessage(text));
	});
	await B.until(() => B.all("message").length === 20, "all messages");
	assert.deepEqual(
		B.all("message").map(({ session, text }) => ({ session, text })),
		texts.map((text) => ({ session: 1, text })),
	);
	const { code } = await B.expect("ended");
	assert.equal(code, undefined);
	const unsent = await B.expect("unsent");
	assert.deepEqual(
		[unsent.tetrad, unsent.session, unsent.code],
		[1, 4, "tetrad-closed"],
	);
	assert.equal(B.all("refused").length, 0);
});

test("a file that came whole with the end of its tetrad is kept, and that it was not acknowledged is said", async () => {
	const inbox = homes.at("inbox");
	await mkdir(inbox);
	await using B = (
		await startServer(homes, "B", homes.socket("Y"), "--receive", inbox)
	).agent;
	const { address } = await B.expect("listening");
	const content = utf8("an order");
	const sha256 = new Uint8Array(createHash("sha256").update(content).digest());
	await callAndSayAtOnce(address, async ({ agent }) => {
		const offer = { name: "order.txt", size: BigInt(content.length) };
		await agent.send(
			concat(Uint8Array.of(FILE.offer.type), FILE.offer.body.encode(offer)),
		);
		await agent.send(concat(Uint8Array.of(0x02), content));
		await agent.send(
			concat(Uint8Array.of(FILE.end.type), FILE.end.body.encode({ sha256 })),
		);
	});
	const { path } = await B.expect("file-received");
	assert.equal(await readFile(path ?? "", "utf8"), "an order");
	const unsent = await B.expect("unsent");
	assert.deepEqual(
		[unsent.tetrad, unsent.session, unsent.code],
		[1, 1, "tetrad-closed"],
	);
	assert.equal(B.all("refused").length, 0);
});

test("a module tells how a link that was ready ended", async () => {
	const at = homes.socket("X");
	await using X = await startModule(homes, "X");
	for (const leaves of ["in order", "killed"] as const) {
		const before = X.all("unlinked").length;
		await using A = (await startServer(homes, "A", at)).agent;
		await X.expect("linked", before);
		if (leaves === "killed") await A.kill();
		else A.terminate();
		const { code } = await X.expect("unlinked", before);
		assert.equal(code, leaves === "killed" ? "carrier-failed" : undefined);
	}
});

test("an answer to a file and to a greeting is waited for no longer than was said", async () => {
	// No module greets, so nobody answers a greeting, and B acknowledges a file only after one.
	const inbox = homes.at("slow");
	await mkdir(inbox);
	await using X = await startModule(homes, "X");
	assert.ok(!X.gone);
	const flags = ["--receive", inbox, "--greet", "hello"];
	await using B = (await startServer(homes, "B", homes.socket("Y"), ...flags))
		.agent;
	const { address } = await B.expect("listening");
	for (const asked of [
		["--send", `${homes.of("B")}/device.json`],
		["--greet", "hello"],
	]) {
		const flags = ["--answer-timeout", "1", ...asked];
		await using A = startCaller(
			homes,
			"A",
			homes.socket("X"),
			address,
			...flags,
		);
		const { code, reason } = failureIn(await A.exits(1));
		assert.equal(code, "timed-out");
		assert.match(reason, /no answer within 1 s /);
	}
});
