import assert from "node:assert/strict";
import { createHash, randomBytes } from "node:crypto";
import {
	type FileHandle,
	mkdir,
	mkdtemp,
	open,
	readdir,
	readFile,
	rm,
	stat,
	symlink,
	truncate,
	writeFile,
} from "node:fs/promises";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { after, before, beforeEach, describe, mock, test } from "node:test";
import { nodeCrypto } from "../../src/crypto/index.ts";
import {
	IncomingFile,
	onDisk,
} from "../../src/device/process/incoming-file.ts";
import {
	sendFile,
	type TransferProgress,
} from "../../src/device/process/outgoing-file.ts";
import { runTalk, sessionOne } from "../../src/device/process/talk-run.ts";
import { Channel } from "../../src/device/runtime/channel.ts";
import type { TetradError } from "../../src/errors.ts";
import {
	FileReceiving,
	type FileReceivingEffect,
	type FileReceivingEvent,
	numberedName,
	type ReceivedFile,
} from "../../src/talk/index.ts";
import { concat, enc, hex, utf8 } from "../../src/wire/index.ts";
import { Devices } from "./support.ts";

const OFFER = 1;
const CHUNK = 2;
const DONE = 3;
const RECEIPT = 4;

const quiet = () => {};
let root: string;
let outbox: string;
let inbox: string;
let count = 0;

before(async () => {
	root = await mkdtemp(join(tmpdir(), "tetrad-test-"));
});
after(() => rm(root, { recursive: true, force: true }));
beforeEach(async () => {
	const folder = join(root, String(++count));
	[outbox, inbox] = [join(folder, "outbox"), join(folder, "inbox")];
	await mkdir(outbox, { recursive: true });
	await mkdir(inbox);
});

/** Two channels, each the other end of the other, with no tetrad between them. */
function channels(): [Channel, Channel] {
	const ends: Channel[] = [];
	const port = (other: number) => ({
		send: async (message: Uint8Array) =>
			ends[other]?.deliver([message.slice()]),
		full: quiet,
	});
	ends.push(new Channel(port(1)), new Channel(port(0)));
	return ends as [Channel, Channel];
}

/** Takes one file into `folder`; it is acknowledged when the caller says so. */
async function receiveFile(
	channel: Channel,
	offer: Uint8Array,
	folder: string,
	progress: (step: TransferProgress) => void,
	maxBytes?: number,
) {
	const files = new IncomingFile(folder);
	const received = Promise.withResolvers<
		ReceivedFile & { path: string; acknowledge: () => Promise<void> }
	>();
	const over = runTalk<FileReceivingEvent, FileReceivingEffect>(
		new FileReceiving({
			crypto: nodeCrypto,
			...(maxBytes === undefined ? {} : { maxBytes }),
		}),
		{ kind: "from-agent", bytes: offer },
		(after) => ({
			...sessionOne(channel, after),
			...onDisk(files, after),
			progress,
			received: ({ file, path }) => {
				const acknowledge = () => {
					after(Promise.resolve({ kind: "acknowledge" }));
					return over;
				};
				received.resolve({ ...file, path, acknowledge });
			},
		}),
	).finally(() => files.discard());
	over.catch(received.reject);
	return received.promise;
}

interface Sent {
	readonly name?: string;
	readonly size?: number;
	readonly chunks?: readonly Uint8Array[];
	readonly sha256?: Uint8Array;
}

const digest = (...parts: readonly Uint8Array[]) =>
	new Uint8Array(
		parts
			.reduce((hash, part) => hash.update(part), createHash("sha256"))
			.digest(),
	);

function offer(name: string, size: number): Uint8Array {
	const bytes = new Uint8Array(8);
	new DataView(bytes.buffer).setBigUint64(0, BigInt(size));
	return concat(Uint8Array.of(OFFER), enc(utf8(name), bytes));
}

/** What a receiver makes of a transfer by a sender who may say anything. */
async function receive(
	{ name = "file", chunks = [], ...rest }: Sent,
	maxBytes?: number,
) {
	const [sender, receiver] = channels();
	const size = rest.size ?? chunks.reduce((sum, c) => sum + c.length, 0);
	for (const chunk of chunks)
		await sender.send(concat(Uint8Array.of(CHUNK), chunk));
	const sha256 = rest.sha256 ?? digest(...chunks);
	await sender.send(concat(Uint8Array.of(DONE), enc(sha256)));
	return receiveFile(receiver, offer(name, size), inbox, quiet, maxBytes);
}

/** Sends a file and receives it, without a tetrad; both outcomes. */
async function transfer(path: string) {
	const [sender, receiver] = channels();
	const steps: TransferProgress[] = [];
	const sending = sendFile(sender, path, (step) => steps.push(step));
	const first = await receiver.receive();
	assert.ok(first);
	const { acknowledge, ...received } = await receiveFile(
		receiver,
		first,
		inbox,
		quiet,
	);
	await acknowledge();
	return { sent: await sending, received, steps };
}

describe("a file", () => {
	for (const size of [0, 1, 2 ** 18 - 2, 2 ** 18 - 1, 2 ** 18, 1_000_003])
		test(`of ${size} bytes arrives as it was`, async () => {
			const bytes = randomBytes(size);
			const path = join(outbox, "order.pdf");
			await writeFile(path, bytes);
			const { sent, received, steps } = await transfer(path);
			assert.equal(sent.name, "order.pdf");
			assert.equal(sent.size, size);
			assert.equal(hex(sent.sha256), hex(digest(bytes)));
			assert.equal(hex(received.sha256), hex(digest(bytes)));
			assert.equal(received.path, join(inbox, "order.pdf"));
			assert.ok((await readFile(join(inbox, "order.pdf"))).equals(bytes));
			assert.deepEqual(await readdir(inbox), ["order.pdf"]);
			if (size > 0) assert.deepEqual(steps.at(-1), { bytes: size, size });
			else assert.deepEqual(steps, []);
		});

	test("arrives over the session of a real tetrad, larger than what may wait unread", async () => {
		await using devices = await Devices.make();
		const four = await devices.tetrad();
		const bytes = randomBytes(10_000_000);
		const path = join(outbox, "large");
		await writeFile(path, bytes);
		const sending = sendFile(four.A.agent, path, quiet);
		const first = await four.B.agent.receive();
		assert.ok(first);
		const received = await receiveFile(four.B.agent, first, inbox, quiet);
		await received.acknowledge();
		await sending;
		assert.ok((await readFile(join(inbox, "large"))).equals(bytes));
	});

	test("is on the disk, and so is its name, before it is acknowledged", async () => {
		await using probe = await open(import.meta.filename);
		const files: FileHandle = Object.getPrototypeOf(probe);
		const { sync } = files;
		const synced: (string | string[])[] = [];
		const watched = mock.method(
			files,
			"sync",
			async function (this: FileHandle) {
				const isFolder = (await this.stat()).isDirectory();
				synced.push(isFolder ? await readdir(inbox) : "a file");
				await sync.call(this);
			},
		);
		await receive({ name: "order.pdf", chunks: [utf8("text")] });
		watched.mock.restore();
		assert.deepEqual(synced, ["a file", ["order.pdf"]]);
	});

	test("is for its receiver alone", async () => {
		await receive({ name: "private", chunks: [utf8("x")] });
		const { mode } = await stat(join(inbox, "private"));
		assert.equal(mode & 0o777, 0o600);
	});

	test("never takes the place of another: the next free name is used", async () => {
		await writeFile(join(inbox, "order.pdf"), "mine");
		for (const text of ["one", "two"])
			await receive({ name: "order.pdf", chunks: [utf8(text)] });
		assert.deepEqual((await readdir(inbox)).sort(), [
			"order (2).pdf",
			"order (3).pdf",
			"order.pdf",
		]);
		assert.equal(await readFile(join(inbox, "order.pdf"), "utf8"), "mine");
		assert.equal(await readFile(join(inbox, "order (2).pdf"), "utf8"), "one");
	});

	test("does not go through a link that lies where it would be put", async () => {
		const victim = join(outbox, "victim");
		await symlink(victim, join(inbox, "order.pdf"));
		await receive({ name: "order.pdf", chunks: [utf8("text")] });
		await assert.rejects(readFile(victim), { code: "ENOENT" });
		assert.equal(await readFile(join(inbox, "order (2).pdf"), "utf8"), "text");
	});

	test("leaves nothing beside a half file of an earlier run", async () => {
		await writeFile(join(inbox, "order.pdf.part"), "half");
		await receive({ name: "order.pdf", chunks: [utf8("text")] });
		assert.deepEqual((await readdir(inbox)).sort(), [
			"order (2).pdf",
			"order.pdf.part",
		]);
	});

	test("of one name may come twice at the same time", async () => {
		const both = await Promise.all([
			receive({ name: "a", chunks: [utf8("one")] }),
			receive({ name: "a", chunks: [utf8("two")] }),
		]);
		const texts = await Promise.all(
			both.map(({ path }) => readFile(path ?? "", "utf8")),
		);
		assert.deepEqual(texts, ["one", "two"]);
	});
});

describe("a file's name", () => {
	for (const [name, second] of [
		["order.pdf", "order (2).pdf"],
		["backup.tar.gz", "backup (2).tar.gz"],
		["notes", "notes (2)"],
		["Rechnung (2).pdf", "Rechnung (2) (2).pdf"],
		["v1. a long story", "v1. a long story (2)"],
		["_bashrc", "_bashrc (2)"],
		[".x", ".x (2)"],
		["a.", "a. (2)"],
	] as const)
		test(`${name} is ${second} the second time`, () => {
			assert.equal(numberedName(name, 2), second);
		});

	const cases: [string, string][] = [
		["order.pdf", "order.pdf"],
		["Rechnung für Bob (2).pdf", "Rechnung für Bob (2).pdf"],
		["注文書.pdf", "注文書.pdf"],
		["../../etc/passwd", "passwd"],
		["/etc/passwd", "passwd"],
		["..", "_"],
		[".", "_"],
		["/", "file"],
		["../", "_"],
		["a/..", "_"],
		[".bashrc", "_bashrc"],
		["...hidden", "_hidden"],
		["..\\..\\boot.ini", "__.._boot.ini"],
		["a\0b", "a_b"],
		["a\nb\rc\td", "a_b_c_d"],
		["\u001b[2Jred", "__2Jred"],
		["\u202egnp.exe", "_gnp.exe"],
		["a\u0085b\u2028c", "a_b_c"],
		["$(rm -rf ~)", "_(rm -rf _)"],
		["C:autoexec.bat", "C_autoexec.bat"],
		["-rf", "-rf"],
		["😀", "_"],
	];
	for (const [name, harmless] of cases)
		test(`${JSON.stringify(name)} becomes ${JSON.stringify(harmless)}`, async () => {
			const received = await receive({ name, chunks: [utf8("x")] });
			assert.equal(received.path, join(inbox, harmless));
			assert.equal(received.name, harmless);
			assert.deepEqual(await readdir(inbox), [harmless]);
		});

	for (const letter of ["a", "ü", "注", "𝒳"])
		test(`of 255 bytes of ${letter} is made to fit`, async () => {
			const bytes = Buffer.byteLength(letter);
			const name = letter.repeat(Math.floor(255 / bytes));
			const received = await receive({ name, chunks: [utf8("x")] });
			const again = await receive({ name, chunks: [utf8("x")] });
			const names = await readdir(inbox);
			assert.equal(names.length, 2);
			assert.ok(name.startsWith(received.name));
			assert.ok(received.name.length > 10);
			assert.ok(again.path?.endsWith(" (2)"));
		});

	test("that is empty, too long or not UTF-8 is refused", async () => {
		for (const name of [
			new Uint8Array(),
			new Uint8Array(256).fill(97),
			Uint8Array.of(0xff, 0xfe),
		]) {
			const [, receiver] = channels();
			const bad = concat(Uint8Array.of(OFFER), enc(name, new Uint8Array(8)));
			await assert.rejects(receiveFile(receiver, bad, inbox, quiet), {
				code: "malformed",
			});
		}
		assert.deepEqual(await readdir(inbox), []);
	});
});

describe("a transfer that goes wrong leaves nothing behind", () => {
	const half = utf8("half of it");
	const cases: Record<string, [Sent, TetradError["code"]]> = {
		"another digest than announced": [
			{ chunks: [half], sha256: new Uint8Array(32) },
			"malformed",
		],
		"more bytes than announced": [{ size: 5, chunks: [half] }, "malformed"],
		"fewer bytes than announced": [{ size: 50, chunks: [half] }, "malformed"],
		"an empty chunk": [
			{ size: 10, chunks: [new Uint8Array(), half] },
			"malformed",
		],
		"a chunk after the last": [
			{ size: half.length, chunks: [half, half] },
			"malformed",
		],
	};
	for (const [what, [sent, code]] of Object.entries(cases))
		test(what, async () => {
			await assert.rejects(receive(sent), { code });
			assert.deepEqual(await readdir(inbox), []);
		});

	test("a file over the limit is refused before anything is written", async () => {
		await assert.rejects(receive({ size: 101 }, 100), {
			code: "limit-exceeded",
			message: /101 bytes; 100/,
		});
		assert.deepEqual(await readdir(inbox), []);
		const exact = new Uint8Array(100).fill(1);
		assert.equal((await receive({ chunks: [exact] }, 100)).size, 100);
		await assert.rejects(receive({ size: 2 ** 34 + 1 }), {
			code: "limit-exceeded",
		});
		await assert.rejects(receive({ size: Number.MAX_SAFE_INTEGER }), {
			code: "limit-exceeded",
		});
	});

	test("a close in the middle", async () => {
		const [sender, receiver] = channels();
		await sender.send(concat(Uint8Array.of(CHUNK), half));
		receiver.end(undefined);
		await assert.rejects(
			receiveFile(receiver, offer("file", 1000), inbox, quiet),
			{ code: "truncated" },
		);
		assert.deepEqual(await readdir(inbox), []);
	});

	test("a folder that is not there", async () => {
		const [, receiver] = channels();
		const gone = join(inbox, "gone");
		await assert.rejects(receiveFile(receiver, offer("file", 0), gone, quiet), {
			code: "file-unusable",
			message: /cannot write into/,
		});
	});

	test("a disk that fails, which is said", async () => {
		await using probe = await open(import.meta.filename);
		const files: FileHandle = Object.getPrototypeOf(probe);
		for (const name of ["writeFile", "sync"] as const) {
			const failing = mock.method(files, name, async () => {
				throw new Error("ENOSPC: no space left on device");
			});
			await assert.rejects(receive({ chunks: [half] }), {
				code: "file-unusable",
				message: /cannot write into .*no space left/,
			});
			failing.mock.restore();
			assert.deepEqual(await readdir(inbox), []);
		}
	});

	test("an offer that is none", async () => {
		for (const bytes of [
			new Uint8Array(),
			Uint8Array.of(OFFER),
			concat(Uint8Array.of(DONE), enc(new Uint8Array(32))),
			concat(offer("file", 3), Uint8Array.of(0)),
			concat(Uint8Array.of(OFFER), enc(utf8("file"), Uint8Array.of(3))),
		]) {
			const [, receiver] = channels();
			await assert.rejects(receiveFile(receiver, bytes, inbox, quiet), {
				family: "peer",
			});
		}
	});
});

describe("a sender", () => {
	for (const [becomes, size] of [
		["shorter", 100_000],
		["longer", 600_001],
	] as const)
		test(`whose file becomes ${becomes} while it is sent says so, and the receiver keeps nothing`, async () => {
			const path = join(outbox, becomes);
			await writeFile(path, randomBytes(600_000));
			const [sender, receiver] = channels();
			const sending = sendFile(sender, path, quiet);
			const message = new RegExp(`became ${becomes}`);
			const failed = assert.rejects(sending, { message });
			const first = await receiver.receive();
			await truncate(path, size);
			await failed;
			sender.end(undefined);
			receiver.end(undefined);
			assert.ok(first);
			await assert.rejects(receiveFile(receiver, first, inbox, quiet), {
				code: "truncated",
			});
			assert.deepEqual(await readdir(inbox), []);
		});

	test("whose receiver closes meanwhile is told so, and of another end what it was", async () => {
		const path = join(outbox, "file");
		await writeFile(path, randomBytes(2_000_000));
		for (const [end, code] of [
			["close", "truncated"],
			["cut", "carrier-failed"],
		] as const) {
			await using devices = await Devices.make();
			const four = await devices.tetrad();
			const sending = sendFile(four.A.agent, path, quiet);
			const failed = assert.rejects(sending, { code });
			await four.B.agent.receive();
			if (end === "close") await four.B.close();
			else for (const link of devices.dialed.A) link.close();
			await failed;
		}
	});

	test("notices a receipt for other bytes, for nothing, and none at all", async () => {
		const path = join(outbox, "file");
		await writeFile(path, "text");
		const receipts: [Uint8Array | undefined, string][] = [
			[
				concat(Uint8Array.of(RECEIPT), enc(new Uint8Array(32))),
				"carrier-failed",
			],
			[concat(Uint8Array.of(RECEIPT), enc(new Uint8Array(31))), "malformed"],
			[concat(Uint8Array.of(DONE), enc(new Uint8Array(32))), "malformed"],
			[undefined, "truncated"],
		];
		for (const [receipt, code] of receipts) {
			const [sender, receiver] = channels();
			if (receipt === undefined) sender.end(undefined);
			else await receiver.send(receipt);
			await assert.rejects(sendFile(sender, path, quiet), { code });
		}
	});

	test("says so when its disk fails", async () => {
		const path = join(outbox, "file");
		await writeFile(path, "text");
		await using probe = await open(path);
		const files: FileHandle = Object.getPrototypeOf(probe);
		const failing = mock.method(files, "read", async () => {
			throw new Error("EIO: i/o error");
		});
		const [sender] = channels();
		await assert.rejects(sendFile(sender, path, quiet), {
			code: "file-unusable",
			message: /cannot read the file .*: EIO/,
		});
		failing.mock.restore();
	});

	test("refuses what is no file, by its path", async () => {
		for (const path of [outbox, join(outbox, "missing")]) {
			const [sender, receiver] = channels();
			await assert.rejects(sendFile(sender, path, quiet), (error) => {
				assert.equal((error as TetradError).code, "file-unusable");
				assert.ok((error as TetradError).message.includes(path));
				return true;
			});
			sender.end(undefined);
			receiver.end(undefined);
			assert.equal(await receiver.receive(), undefined);
		}
	});
});
