import assert from "node:assert/strict";
import { spawn } from "node:child_process";
import { once } from "node:events";
import { lstat, readdir, writeFile } from "node:fs/promises";
import {
	type AddressInfo,
	connect as connectRaw,
	createServer,
	type Socket,
} from "node:net";
import { join } from "node:path";
import { describe, test } from "node:test";
import {
	type Carrier,
	connect,
	formatAddress,
	listen,
} from "../../src/carrier/index.ts";
import type { TetradError } from "../../src/errors.ts";
import { numbered, Recorder, temporaryDirectory, turns } from "./support.ts";

const ignore = () => {};

describe("listening on TCP", () => {
	test("names the port that the system chose", async () => {
		await using listener = await listen("127.0.0.1:0", ignore);
		assert.match(formatAddress(listener.address), /^tcp:127\.0\.0\.1:[1-9]/);
	});

	test("a port in use is named", async () => {
		await using listener = await listen("127.0.0.1:0", ignore);
		const name = formatAddress(listener.address);
		await assert.rejects(listen(name, ignore), (error: TetradError) => {
			assert.equal(error.code, "address-in-use");
			return error.message.includes(name);
		});
	});

	test("an address that is not this machine's is refused", async () => {
		await assert.rejects(listen("192.0.2.1:0", ignore), {
			code: "carrier-failed",
			message: /does not have that address/,
		});
	});

	test("closing frees the port and leaves carriers open", async () => {
		const accepted = Promise.withResolvers<Carrier>();
		const listener = await listen("127.0.0.1:0", accepted.resolve);
		const left = await connect(listener.address);
		const right = await accepted.promise;
		await listener.close();
		await listener.close();
		await using again = await listen(listener.address, ignore);
		assert.deepEqual(again.address, listener.address);
		const got = new Recorder(right);
		left.send(numbered(1));
		await got.untilFrames(1);
		left.destroy();
		await got.untilClosed();
	});

	test("connections beyond the limit are closed at once, and room comes back", async () => {
		const carriers: Carrier[] = [];
		const refused: TetradError[] = [];
		await using listener = await listen(
			"127.0.0.1:0",
			(carrier) => carriers.push(carrier),
			{ maxConnections: 2, onRefused: (error) => refused.push(error) },
		);
		const first = await connect(listener.address);
		const second = await connect(listener.address);
		while (carriers.length < 2) await turns(1);
		const third = new Recorder(await connect(listener.address));
		await third.untilClosed();
		assert.equal(carriers.length, 2);
		assert.equal(refused[0]?.code, "limit-exceeded");

		const gone = new Recorder(carriers[0]);
		first.destroy();
		await gone.untilClosed();
		const fourth = await connect(listener.address);
		while (carriers.length < 3) await turns(1);
		for (const carrier of [second, fourth, ...carriers]) carrier.destroy();
	});

	test("an onCarrier that throws costs that connection only", async () => {
		const refused = Promise.withResolvers<TetradError>();
		await using listener = await listen(
			"127.0.0.1:0",
			() => {
				throw new Error("a bug");
			},
			{ onRefused: refused.resolve },
		);
		// The reset may come before the connection is told to be there, or after.
		const left = await connect(listener.address).catch(ignore);
		assert.equal((await refused.promise).code, "internal");
		if (left) await new Recorder(left).untilClosed();
	});

	test("a source that is turned away costs nothing, and the others are taken", async () => {
		const asked: string[] = [];
		const taken: Carrier[] = [];
		let mayCome = false;
		await using listener = await listen(
			"127.0.0.1:0",
			(carrier) => void taken.push(carrier),
			{
				turnsAway(source) {
					asked.push(source);
					return !mayCome;
				},
			},
		);
		// The reset may come before the connection is told to be there, or after.
		const away = await connect(listener.address).catch(ignore);
		if (away) await new Recorder(away).untilClosed();
		assert.deepEqual([asked, taken], [["127.0.0.1"], []]);
		mayCome = true;
		const left = await connect(listener.address);
		while (taken.length === 0) await turns(1);
		assert.equal(taken[0]?.source, "127.0.0.1");
		for (const carrier of [left, ...taken]) carrier.destroy();
	});

	test("a connection is cut when nobody can say whether it is turned away", async () => {
		const refused = Promise.withResolvers<TetradError>();
		await using listener = await listen("127.0.0.1:0", ignore, {
			turnsAway: () => {
				throw new Error("a bug");
			},
			onRefused: refused.resolve,
		});
		const left = await connect(listener.address).catch(ignore);
		assert.equal((await refused.promise).code, "internal");
		if (left) await new Recorder(left).untilClosed();
	});

	test("maxConnections must make sense", async () => {
		for (const maxConnections of [0, -1, 1.5, Number.NaN])
			await assert.rejects(listen("127.0.0.1:0", ignore, { maxConnections }), {
				code: "invalid-argument",
			});
	});
});

describe("listening on a Unix socket", () => {
	test("the socket is for this user alone, and goes with the listener", async () => {
		await using directory = await temporaryDirectory();
		const path = join(directory.path, "s");
		const mask = process.umask();
		const listener = await listen(`unix:${path}`, ignore);
		assert.equal(process.umask(), mask);
		const found = await lstat(path);
		assert.equal(found.isSocket(), true);
		assert.equal(found.mode & 0o777, 0o600);
		await listener.close();
		assert.deepEqual(await readdir(directory.path), []);
	});

	test("a live socket is in use and goes on working", async () => {
		await using directory = await temporaryDirectory();
		const address = `unix:${directory.path}/s`;
		await using _listener = await listen(address, ignore);
		await assert.rejects(listen(address, ignore), {
			code: "address-in-use",
			message: /another process listens at unix:/,
		});
		(await connect(address)).destroy();
	});

	test("the socket of a dead process is replaced", async () => {
		await using directory = await temporaryDirectory();
		const path = join(directory.path, "s");
		await leaveDeadSocket(path);
		assert.equal((await lstat(path)).isSocket(), true);
		await using _listener = await listen(`unix:${path}`, ignore);
		(await connect(`unix:${path}`)).destroy();
		assert.deepEqual(await readdir(directory.path), ["s"]);
	});

	test("of many that find a dead socket at once, one gets the address", async () => {
		await using directory = await temporaryDirectory();
		const path = join(directory.path, "s");
		await leaveDeadSocket(path);
		const tries = await Promise.allSettled(
			Array.from({ length: 8 }, () => listen(`unix:${path}`, ignore)),
		);
		const won = tries.filter((t) => t.status === "fulfilled");
		for (const t of tries)
			if (t.status === "rejected")
				assert.equal(t.reason.code, "address-in-use");
		assert.equal(won.length, 1);
		(await connect(`unix:${path}`)).destroy();
		for (const t of won) await t.value.close();
		assert.deepEqual(await readdir(directory.path), []);
	});

	test("a file that is no socket is left alone", async () => {
		await using directory = await temporaryDirectory();
		const path = join(directory.path, "s");
		await writeFile(path, "precious");
		await assert.rejects(listen(`unix:${path}`, ignore), {
			code: "address-in-use",
			message: /is not a socket/,
		});
		assert.equal((await lstat(path)).size, 8);
	});

	test("a missing directory is named as the likely cause", async () => {
		await using directory = await temporaryDirectory();
		await assert.rejects(listen(`unix:${directory.path}/no/s`, ignore), {
			code: "carrier-failed",
			message: /check that the directory exists/,
		});
	});

	test("a path that is too long is refused", async () => {
		await assert.rejects(listen(`unix:/tmp/${"x".repeat(120)}`, ignore), {
			code: "invalid-argument",
			message: /107/,
		});
	});
});

describe("connecting", () => {
	test("nobody there is carrier-failed, and says what to do", async () => {
		const listener = await listen("127.0.0.1:0", ignore);
		await listener.close();
		await assert.rejects(connect(listener.address), {
			code: "carrier-failed",
			message:
				/^cannot connect to tcp:127\.0\.0\.1:\d+: nobody listens there; start/,
		});
	});

	test("a missing Unix socket is carrier-failed", async () => {
		await using directory = await temporaryDirectory();
		await assert.rejects(connect(`unix:${directory.path}/s`), {
			code: "carrier-failed",
			message: /no such socket/,
		});
	});

	test("an unknown host is carrier-failed", async () => {
		await assert.rejects(connect("no-such-host.invalid:9"), {
			code: "carrier-failed",
		});
	});

	test("port 0 cannot be connected to", async () => {
		await assert.rejects(connect("127.0.0.1:0"), { code: "invalid-argument" });
	});

	test("an address made by hand is checked too", async () => {
		await assert.rejects(
			connect({ kind: "tcp", host: "localhost", port: 1e9 }),
			{ code: "invalid-argument" },
		);
	});

	test("aborting before and while connecting", async () => {
		const reason = new Error("changed my mind");
		await assert.rejects(
			connect("127.0.0.1:1", { signal: AbortSignal.abort(reason) }),
			{ code: "aborted", cause: reason },
		);
		await using listener = await listen("127.0.0.1:0", ignore);
		const controller = new AbortController();
		const connecting = connect(listener.address, {
			signal: controller.signal,
		});
		controller.abort(reason);
		await assert.rejects(connecting, { code: "aborted", cause: reason });
	});

	test("aborting once connected changes nothing", async () => {
		await using listener = await listen("127.0.0.1:0", ignore);
		const controller = new AbortController();
		const carrier = await connect(listener.address, {
			signal: controller.signal,
		});
		const heard = new Recorder(carrier);
		controller.abort();
		await turns(5);
		assert.equal(heard.ends.length, 0);
		carrier.destroy();
	});

	test("a host that does not answer is timed-out", async () => {
		// A process that listens and accepts nobody; once its queue is full, the kernel answers no more.
		const child = spawn(
			process.execPath,
			[
				"-e",
				`const server = require("node:net").createServer();
				server.listen({ port: 0, host: "127.0.0.1", backlog: 1 }, () => {
					require("node:fs").writeSync(1, String(server.address().port));
					Atomics.wait(new Int32Array(new SharedArrayBuffer(4)), 0, 0);
				});`,
			],
			{ stdio: ["ignore", "pipe", "inherit"] },
		);
		const port = Number(await once(child.stdout, "data"));
		const fill = Array.from({ length: 5 }, () =>
			connectRaw({ port, host: "127.0.0.1" }).on("error", ignore),
		);
		await once(fill[0] as Socket, "connect");
		await assert.rejects(connect(`127.0.0.1:${port}`, { timeoutMs: 100 }), {
			code: "timed-out",
			message: /did not answer within 0\.1 seconds/,
		});
		for (const socket of fill) socket.destroy();
		child.kill("SIGKILL");
		await once(child, "exit");
	});
});

/** A process that listens at `path` and is killed, so that its file stays. */
async function leaveDeadSocket(path: string): Promise<void> {
	const child = spawn(
		process.execPath,
		[
			"-e",
			`require("node:net").createServer().listen(process.argv[1], () => console.log("up"))`,
			path,
		],
		{ stdio: ["ignore", "pipe", "inherit"] },
	);
	await once(child.stdout, "data");
	child.kill("SIGKILL");
	await once(child, "exit");
}

test("a process ends as soon as its last words are sent, also when the other end stays open", async () => {
	const accepted = Promise.withResolvers<Socket>();
	const server = createServer({ allowHalfOpen: true }, accepted.resolve);
	await new Promise<void>((resolve) =>
		server.listen(0, "127.0.0.1", () => resolve()),
	);
	const { port } = server.address() as AddressInfo;
	const carrier = new URL("../../src/carrier/index.ts", import.meta.url);
	// Nothing but the other end could end this close.
	const script = `
		import { connect } from ${JSON.stringify(carrier.href)};
		const carrier = await connect("127.0.0.1:${port}", { limits: { closeMs: Infinity } });
		carrier.receive({ frame() {}, closed() {} });
		carrier.send(Uint8Array.of(4, 0, 0, 0, 1, 0));
		carrier.close();
	`;
	const child = spawn(process.execPath, ["--input-type=module", "-e", script], {
		stdio: "ignore",
	});
	const socket = await accepted.promise;
	const heard: Buffer[] = [];
	socket.on("data", (chunk: Buffer) => heard.push(chunk));
	try {
		const [code] = (await once(child, "exit")) as [number | null];
		assert.equal(code, 0);
		if (!socket.readableEnded) await once(socket, "end");
		assert.deepEqual([...Buffer.concat(heard)], [4, 0, 0, 0, 1, 0]);
	} finally {
		child.kill("SIGKILL");
		socket.destroy();
		server.close();
	}
});
