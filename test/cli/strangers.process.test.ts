import assert from "node:assert/strict";
import { appendFile, cp, mkdir, readFile } from "node:fs/promises";
import type { Socket } from "node:net";
import { after, before, describe, test } from "node:test";
import { writePairing } from "../../src/device/home/pairings.ts";
import { encodeFrame, FRAME } from "../../src/wire/index.ts";
import { temporaryFolder } from "../support/folders.ts";
import { Homes } from "../support/homes.ts";
import {
	Command,
	startCaller,
	startModule,
	startServer,
	stranger,
} from "../support/processes.ts";

/** How long a peer that says nothing is waited for. Whoever speaks is answered far sooner. */
const TIMEOUT = ["--timeout", "2"];

const bytes = (hex: string) => Buffer.from(hex.replaceAll(" ", ""), "hex");

/** What callers may send that do not speak Tetrad; the last word says how they leave. */
const STRANGERS: Record<string, (socket: Socket) => unknown> = {
	"an HTTP client": (socket) =>
		socket.write("GET / HTTP/1.1\r\nHost: tetrad.example\r\n\r\n"),
	"a TLS client": (socket) =>
		socket.write(
			bytes(
				"16 0301 0069 01 000065 0303 0102030405060708090a0b0c0d0e0f101112131415161718191a1b1c1d1e1f20 00 0002 1301 0100003a",
			),
		),
	"random bytes": (socket) =>
		socket.write(
			bytes("9f3c5a0e77d1e2b4c8a69d0f1b3e5c7a9f3c5a0e77d1e2b4c8a69d0f1b3e5c7a"),
		),
	"random bytes behind the header of an offer": (socket) =>
		socket.write(
			encodeFrame(FRAME.offer, bytes("9f3c5a0e77d1e2b4c8a69d0f1b3e5c7a")),
		),
	"random bytes behind the header of a call on a link": (socket) =>
		socket.write(encodeFrame(FRAME.linkHello, Buffer.alloc(48, 0x5a))),
	"an empty frame of every type": (socket) => {
		for (const type of Object.values(FRAME))
			socket.write(encodeFrame(type, new Uint8Array()));
	},
	"the header of a huge frame": (socket) => socket.write(bytes("01 ffffffff")),
	"the header of a frame too large for a stranger": (socket) =>
		socket.write(bytes("01 00030000")),
	"half a frame and no more": (socket) => socket.end(bytes("01 00000100 00")),
	"nothing, and hangs up": (socket) => socket.end(),
	"nothing, and breaks off": (socket) => socket.resetAndDestroy(),
	"nothing at all": () => {},
};

let folder: Awaited<ReturnType<typeof temporaryFolder>>;
let homes: Homes;
const started: Command[] = [];

before(async () => {
	folder = await temporaryFolder();
	homes = await Homes.make(folder.path);
});
after(async () => {
	for (const command of started) await command[Symbol.asyncDispose]();
	await folder[Symbol.asyncDispose]();
});

function keep(command: Command): Command {
	started.push(command);
	return command;
}

/** A module that listens on TCP. */
async function startX(): Promise<{ module: Command; address: string }> {
	const module = keep(
		new Command([
			...["module", "--json", "--home", homes.spare("X")],
			...["--listen", "127.0.0.1:0", ...TIMEOUT],
		]),
	);
	const { address } = await module.expect("listening");
	return { module, address };
}

/** B with its module, ready to answer. */
async function startB(): Promise<{ agent: Command; address: string }> {
	keep(await startModule(homes, "Y", ...TIMEOUT));
	const server = await startServer(homes, "B", homes.socket("Y"), ...TIMEOUT);
	keep(server.agent);
	return server;
}

/** Every stranger is turned away with an event of its own, one after the other. */
async function turnAway(server: Command, address: string): Promise<void> {
	for (const [who, speak] of Object.entries(STRANGERS)) {
		const before = server.all("refused").length;
		const socket = await stranger(address);
		speak(socket);
		const refused = await server.expect("refused", before);
		assert.notEqual(refused.code, "internal", who);
		assert.ok(refused.reason.length > 10, who);
		socket.destroy();
	}
	assert.equal(server.all("refused").length, Object.keys(STRANGERS).length);
	assert.equal(server.gone, false);
	assert.equal(server.stderr, "");
}

test("strangers that call an agent or a module are refused one by one; the next good call succeeds", async () => {
	const [B, X] = await Promise.all([startB(), startX()]);
	await Promise.all([
		turnAway(B.agent, B.address),
		turnAway(X.module, X.address),
	]);
	const caller = keep(startCaller(homes, "A", X.address, B.address));
	await caller.exits(0);
	await X.module.expect("linked");
	for (const command of [B.agent, X.module]) await command.expect("ended");
	for (const command of [B.agent, X.module])
		assert.equal(command.all("confirmed").length, 1);
});

describe("an agent with certificates of another root", () => {
	let other: Homes;
	let B: { agent: Command; address: string };

	before(async () => {
		await mkdir(homes.at("other"));
		other = await Homes.make(homes.at("other"));
		B = await startB2();
		keep(await startModule(other, "X"));
	});

	/** The first B is of another test. */
	async function startB2(): Promise<{ agent: Command; address: string }> {
		const y = keep(
			new Command([
				...["module", "--json", "--home", homes.spare("Y")],
				...["--listen", homes.socket("Y2")],
			]),
		);
		await y.expect("listening");
		const agent = keep(
			new Command([
				...["agent", "--json", "--home", homes.spare("B")],
				...["--module", homes.socket("Y2"), "--listen", "127.0.0.1:0"],
			]),
		);
		const { address } = await agent.expect("listening");
		return { agent, address };
	}

	/** Its call fails with exit code 1 and these two outcomes, and B goes on. */
	async function call(
		atCaller: { readonly code: string; readonly reason: RegExp },
		atB: string,
	): Promise<void> {
		const before = B.agent.all("refused").length;
		await using caller = startCaller(other, "A", other.socket("X"), B.address);
		const { stderr } = await caller.exits(1);
		assert.equal(stderr.trimEnd().split("\n").length, 1);
		const { code, reason } = JSON.parse(stderr);
		assert.equal(code, atCaller.code);
		assert.match(reason, atCaller.reason);
		const refused = await B.agent.expect("refused", before);
		assert.equal(refused.code, atB);
		assert.equal(B.agent.gone, false);
	}

	test("does not trust the one it called, and both sides say so", () =>
		call(
			{ code: "chain-refused", reason: /not signed by the authority/ },
			"refused-by-peer",
		));

	test("is not trusted although it trusts, and both sides say so", async () => {
		for (const home of [other.of("A"), other.of("X")])
			for (const [file, authority] of [
				["agencies.pem", "agency"],
				["banks.pem", "bank"],
			] as const)
				await appendFile(
					`${home}/trust/${file}`,
					await readFile(homes.at(authority, "root.pem")),
				);
		await restartX();
		await call(
			{
				code: "refused-by-peer",
				reason: /the other agent refused or gave up/,
			},
			"chain-refused",
		);
	});

	test("did not keep B from serving others", async () => {
		const { address } = await startX();
		const caller = keep(startCaller(homes, "A", address, B.address));
		await caller.exits(0);
		await B.agent.expect("confirmed");
	});

	/** So that it reads whom it trusts now. */
	async function restartX(): Promise<void> {
		await started.find(({ name }) => name.includes(other.of("X")))?.kill();
		keep(await startModule(other, "X"));
	}
});

describe("an agent that a module is not paired with", () => {
	/** A certified agent that claims A's module with this key. */
	async function intruder(key: string): Promise<Command> {
		const home = homes.at(`intruder-${key.slice(0, 8)}`);
		await cp(homes.of("B"), home, { recursive: true });
		const pairing = JSON.parse(
			await readFile(`${homes.of("A")}/pairing.json`, "utf8"),
		) as { peerDeviceId: string };
		await writePairing(
			home,
			{
				peerDeviceId: Buffer.from(pairing.peerDeviceId, "hex"),
				key: Buffer.from(key, "hex"),
			},
			"alice-purse",
		);
		return new Command([
			...["agent", "--json", "--home", home, "--module", X.address],
			...["--connect", "127.0.0.1:1"],
		]);
	}

	let X: { module: Command; address: string };
	before(async () => {
		X = await startX();
	});

	test("is refused without the pairing's key", async () => {
		await using caller = await intruder("11".repeat(32));
		const { stderr } = await caller.exits(1);
		const { code, reason } = JSON.parse(stderr);
		assert.equal(code, "refused-by-peer");
		assert.match(reason, /are the two devices paired/);
		const refused = await X.module.expect("refused");
		assert.equal(refused.code, "authentication-failed");
	});

	test("is refused also with a stolen key, because it is another device", async () => {
		const { key } = JSON.parse(
			await readFile(`${homes.of("A")}/pairing.json`, "utf8"),
		) as { key: string };
		await using caller = await intruder(key);
		await caller.exits(1);
		const refused = await X.module.expect("refused", 1);
		assert.equal(refused.code, "chain-refused");
		assert.match(refused.reason, /bob .*not the agent/);
		assert.equal(X.module.gone, false);
		assert.equal(X.module.all("linked").length, 0);
	});
});
