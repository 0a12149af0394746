/* `tetrad attack` on its own sandbox, on a deployment, and on merchants that are broken. */
import assert from "node:assert/strict";
import { readFile, writeFile } from "node:fs/promises";
import { createServer, type Server, type Socket } from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import { GROUPS } from "../../src/attack/attack.ts";
import { SUITE } from "../../src/attack/suite/suite.ts";
import { encodeFrame, FRAME } from "../../src/wire/index.ts";
import { Command, failureIn, run } from "../support/processes.ts";
import { RunningSandbox } from "../support/sandbox.ts";

interface Tried {
	readonly event: "tried";
	readonly name: string;
	readonly outcome: "held" | "broken" | "not-tried";
	readonly happened: string;
}

/** An attack that waits takes half a minute, and all others together longer on a busy machine. */
const PATIENT = { patienceMs: 600_000 };

async function attack(...args: string[]): Promise<{
	readonly code: number | null;
	readonly stderr: string;
	readonly tried: readonly Tried[];
}> {
	const { code, stdout, stderr } = await run(
		["attack", "--json", ...args],
		PATIENT,
	);
	const tried = stdout
		.split("\n")
		.filter((line) => line !== "")
		.map((line) => JSON.parse(line))
		.filter(({ event }) => event === "tried");
	return { code, stderr, tried };
}

/** Ends a side with its devices, which outlive a side that is killed by a moment. */
async function inOrder(side: Command<{ readonly event: "up" }>): Promise<void> {
	side.terminate();
	await side.exited;
}

/** A merchant that answers whoever calls in its own way. */
async function answering(
	answer: (socket: Socket) => void,
): Promise<{ address: string } & AsyncDisposable> {
	const sockets = new Set<Socket>();
	const server: Server = createServer((socket) => {
		sockets.add(socket);
		socket.on("error", () => {});
		answer(socket);
	});
	await new Promise<void>((resolve) =>
		server.listen(0, "127.0.0.1", () => resolve()),
	);
	const bound = server.address();
	assert.ok(bound !== null && typeof bound === "object");
	return {
		address: `127.0.0.1:${bound.port}`,
		async [Symbol.asyncDispose]() {
			for (const socket of sockets) socket.destroy();
			await new Promise((resolve) => server.close(resolve));
		},
	};
}

test("there are fifty attacks and more, in every group, each named once", () => {
	const names = SUITE.map(({ name }) => name);
	assert.equal(new Set(names).size, names.length);
	assert.ok(names.length >= 50, `${names.length}`);
	for (const name of names) assert.match(name, /^[a-z0-9]+(-[a-z0-9]+)*$/);
	const used = SUITE.map(({ group }) => group);
	// Those of a group stand together, in the order of the groups.
	assert.deepEqual(
		[...new Set(used)],
		GROUPS.filter((group) => used.includes(group)),
	);
});

describe("tetrad attack", { timeout: 900_000 }, () => {
	test("finds a sandbox of its own to hold against everything", async () => {
		const { code, stderr, tried } = await attack();
		assert.deepEqual(
			tried.filter(({ outcome }) => outcome !== "held"),
			[],
			stderr,
		);
		assert.deepEqual(
			tried.map(({ name }) => name).toSorted(),
			SUITE.map(({ name }) => name).toSorted(),
		);
		assert.equal(code, 0, stderr);
	});

	test("attacks a deployment by a side that is lent, and says what it could not try", async () => {
		await using world = await RunningSandbox.start();
		await using shop = new Command<{ readonly event: "up" }>(
			["up", "--home", world.side("shop"), "--json"],
			PATIENT,
		);
		await shop.expect("up");
		const lent = [
			"--merchant",
			world.side("shop"),
			"--as",
			world.side("buyer"),
		];
		const wanted = [
			...["--only", "unknown-version", "--only", "wrong-proof-of-agent"],
			...["--only", "expired-certificate", "--only", "unsafe-root"],
		];
		const honest = await attack(...lent, ...wanted);
		assert.deepEqual(
			honest.tried.map(({ name, outcome }) => `${name} ${outcome}`),
			[
				"unknown-version held",
				"unsafe-root held",
				"wrong-proof-of-agent held",
				"expired-certificate not-tried",
			],
		);
		assert.equal(honest.code, 0, honest.stderr);
		await inOrder(shop);
		// Both of its devices now accept what they are asked not to.
		for (const device of ["agent", "module"]) {
			const path = join(world.side("shop"), device, "policy.json");
			const policy = JSON.parse(await readFile(path, "utf8"));
			const roots = ["transcript", "unsafe-xor"];
			const accept = { ...policy.accept, roots };
			await writeFile(path, JSON.stringify({ ...policy, accept }));
		}
		await using opened = new Command<{ readonly event: "up" }>(
			["up", "--home", world.side("shop"), "--json"],
			PATIENT,
		);
		await opened.expect("up");
		const weak = await attack(...lent, ...wanted);
		assert.deepEqual(
			weak.tried
				.filter(({ outcome }) => outcome === "broken")
				.map(({ name }) => name),
			["unsafe-root"],
		);
		assert.equal(weak.code, 1);
		await inOrder(opened);
	});

	test("says that a merchant is broken that answers anybody, or nobody", async () => {
		const only = ["--only", "another-protocol"];
		await using anybody = await answering((socket) =>
			socket.once("data", () =>
				socket.end(encodeFrame(FRAME.record, new Uint8Array(40))),
			),
		);
		const answered = await attack("--at", anybody.address, ...only);
		assert.deepEqual(
			answered.tried.map(({ outcome }) => outcome),
			["broken"],
		);
		assert.equal(answered.code, 1);
		await using hangsUp = await answering((socket) => socket.destroy());
		const { address } = hangsUp;
		await hangsUp[Symbol.asyncDispose]();
		const nobody = await attack("--at", address, ...only);
		assert.deepEqual(
			nobody.tried.map(({ outcome }) => outcome),
			["not-tried"],
		);
		assert.match(nobody.tried[0]?.happened ?? "", /honest form .* not work/);
		assert.equal(nobody.code, 1);
	});

	test("attacks no other machine, and nothing that it does not know", async () => {
		for (const [args, why] of [
			[["--at", "192.0.2.1:7000"], /not on this machine/],
			[["--at", "shop.example:7000"], /not on this machine/],
			[["--at", "[2001:db8::1]:7000"], /not on this machine/],
			[["--at", "unix:shop.sock"], /not on this machine/],
			[["--group", "bribery"], /no group bribery/],
			[["--only", "bribery"], /no attack bribery/],
		] as const) {
			const result = await run(["attack", "--json", ...args], PATIENT);
			assert.equal(result.code, 2, args.join(" "));
			assert.match(failureIn(result).reason, why);
		}
	});

	test("lists what there is, and tries nothing", async () => {
		const { stdout, code } = await run([
			...["attack", "--list", "--json", "--group", "handshake"],
		]);
		assert.equal(code, 0);
		const names = stdout
			.trim()
			.split("\n")
			.map((line) => JSON.parse(line).name);
		assert.deepEqual(
			names,
			SUITE.filter(({ group }) => group === "handshake").map(
				({ name }) => name,
			),
		);
	});
});
