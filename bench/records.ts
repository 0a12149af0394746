import { once } from "node:events";
import type { AeadName } from "../src/crypto/index.ts";
import { suitesOfNewHome } from "../src/device/home/policy-file.ts";
import type { Channel } from "../src/device/runtime/channel.ts";
import { providing } from "../src/provider/index.ts";
import { type SuiteName, suiteByName } from "../src/session/index.ts";
import { MAX_JOINED_BYTES } from "../src/session/outbox.ts";
import { LONG_BODY_BYTES } from "../src/session/record-keys.ts";
import { release, releaseAround } from "../src/wire/index.ts";
import { Four } from "./four.ts";
import {
	type BenchOptions,
	type BenchResult,
	clearTheTable,
	cpuOf,
	median,
	medianRatio,
	round,
} from "./measure.ts";
import { type NestedTls, TlsBench, type TlsInto } from "./nested-tls.ts";

const FILE_BYTES: number = 64 * 2 ** 20;
/** As a file is sent; TLS is given as much at a time. */
const CHUNK_BYTES: number = 2 ** 17;
const BURST = 2000;
const PING_PONGS = 500;
const SMALL_BYTES = 256;

/** Before each record, and before each message of those in one record. */
const HEADER_BYTES = 5;

/** What a reader of TLS gives to read into: as Node reads by itself. */
const READ_BYTES: number = 2 ** 16;

/** What our carriers let wait before a sender must; TLS by itself stops at 64 KiB, half a chunk. */
const MAY_WAIT_BYTES: number = 2 ** 20;

/**
 * Rounds before the first that counts, as many as in bench/establish.ts: ours is compiled while it
 * runs, and files of rounds 7 to 21 still take two fifths more of the main thread than those of 46 to
 * 60, while those of TLS take the same.
 */
const WARM_UP = 60;

/** A file through session 1 against TLS; small messages through both layers against nested TLS. */
export async function benchRecords({
	rounds,
	tell,
}: BenchOptions): Promise<BenchResult> {
	const four = await Four.make("P-256");
	const ends = await four.establish();
	// What sessions cost with the cipher that TLS has taken here.
	const aesFour = await Four.make("P-256", { suite: "hybrid-aesgcm" });
	const aes = await aesFour.establish();
	const tls = await TlsBench.make("P-256");
	const single = await tls.single();
	const nested = await tls.establish();
	// One after another, so that nobody collects what another has left behind: a file passes through
	// more memory than all the messages, and each record under AES leaves objects of OpenSSL.
	const file = await against(
		rounds,
		() => fileOurs(ends.a.agent, ends.b.agent),
		() => fileTls(single),
	);
	tell(`file ${inRounds(file[0])} MB/s, TLS ${inRounds(file[1])}`);
	const given = await tls.singleInto(READ_BYTES);
	const givenBack = await against(
		rounds,
		() => fileOurs(ends.a.agent, ends.b.agent, giveBack),
		() => fileTlsInto(given),
	);
	tell(
		`file, no memory left to the collector, ${inRounds(givenBack[0])} MB/s, TLS ${inRounds(givenBack[1])}`,
	);
	const bursts = await against(
		rounds,
		() => measured(() => burstOurs(ends.x.module, ends.y.module)),
		() => measured(() => burstTls(nested)),
	);
	const burst = each(bursts, rateOf);
	const burstCpu = each(bursts, cpuOfBurst);
	tell(
		`burst, µs of CPU a message ${inRounds(burstCpu[0], 2)}, TLS ${inRounds(burstCpu[1], 2)}`,
	);
	const pingPongCpu = each(
		await against(
			rounds,
			() => measured(() => pingPongOurs(ends.x.module, ends.y.module)),
			() => measured(() => pingPongTls(nested)),
		),
		cpuOfPingPong,
	);
	tell(
		`ping-pong, µs of CPU ${inRounds(pingPongCpu[0])}, TLS ${inRounds(pingPongCpu[1])}`,
	);
	const aesFile = await against(
		rounds,
		() => fileOurs(aes.a.agent, aes.b.agent),
		() => fileTls(single),
	);
	const aesBursts = await against(
		rounds,
		() => measured(() => burstOurs(aes.x.module, aes.y.module)),
		() => measured(() => burstTls(nested)),
	);
	const aesPingPongCpu = each(
		await against(
			rounds,
			() => measured(() => pingPongOurs(aes.x.module, aes.y.module)),
			() => measured(() => pingPongTls(nested)),
		),
		cpuOfPingPong,
	);
	await four.end(ends);
	await four.close();
	await aesFour.end(aes);
	await aesFour.close();
	single.destroy();
	given.destroy();
	nested.destroy();
	tls.close();
	const report = {
		file_mb_per_s: {
			ours: round(median(file[0]), 1),
			tls: round(median(file[1]), 1),
		},
		file_vs_tls: round(medianRatio(...file)),
		/** Read into memory that is used again, by TLS, and given back at once, by us. */
		file_without_garbage: {
			ours: round(median(givenBack[0]), 1),
			tls: round(median(givenBack[1]), 1),
			vs_tls: round(medianRatio(...givenBack)),
		},
		burst_messages_per_s: {
			ours: round(median(burst[0]), 0),
			nested_tls: round(median(burst[1]), 0),
		},
		burst_vs_nested_tls: round(medianRatio(...burst)),
		burst_cpu_us: {
			ours: round(median(burstCpu[0]), 2),
			nested_tls: round(median(burstCpu[1]), 2),
		},
		burst_cpu_vs_nested_tls: round(medianRatio(...burstCpu)),
		ping_pong_cpu_us: {
			ours: round(median(pingPongCpu[0]), 1),
			nested_tls: round(median(pingPongCpu[1]), 1),
		},
		ping_pong_cpu_vs_nested_tls: round(medianRatio(...pingPongCpu)),
		/** The seals and opens alone, as calls one by one: no session can do without. */
		aead_alone: {
			file_mb_per_s: round(
				1 /
					((await sealAndOpen(aeadOf(CHUNK_BYTES), CHUNK_BYTES)) / CHUNK_BYTES),
				1,
			),
			file_mb_per_s_aes: round(
				1 / ((await sealAndOpen("AESGCM", CHUNK_BYTES)) / CHUNK_BYTES),
				1,
			),
			burst_us: round(
				((await aeadOfAll(MAX_JOINED_BYTES)) * (SMALL_BYTES + HEADER_BYTES)) /
					MAX_JOINED_BYTES,
				2,
			),
			ping_pong_us: round(2 * (await aeadOfAll(SMALL_BYTES)), 1),
		},
		with_aes: {
			file_vs_tls: round(medianRatio(...aesFile)),
			burst_vs_nested_tls: round(medianRatio(...each(aesBursts, rateOf))),
			burst_cpu_vs_nested_tls: round(
				medianRatio(...each(aesBursts, cpuOfBurst)),
			),
			ping_pong_cpu_vs_nested_tls: round(medianRatio(...aesPingPongCpu)),
		},
	};
	return {
		report,
		lines: [
			`a file through session 1: ${report.file_mb_per_s.ours} MB/s, TLS ${report.file_mb_per_s.tls} MB/s: ${report.file_vs_tls} of TLS`,
			`the same with no memory left to the collector: ${report.file_without_garbage.ours} MB/s, TLS ${report.file_without_garbage.tls} MB/s: ${report.file_without_garbage.vs_tls} of TLS`,
			`256-byte messages, burst through both layers: ${report.burst_messages_per_s.ours}/s, nested TLS ${report.burst_messages_per_s.nested_tls}/s: ${report.burst_vs_nested_tls} of its rate; ${report.burst_cpu_us.ours} µs of CPU a message, nested TLS ${report.burst_cpu_us.nested_tls} µs: ${report.burst_cpu_vs_nested_tls} of its CPU`,
			`256-byte ping-pong: ${report.ping_pong_cpu_us.ours} µs of CPU, nested TLS ${report.ping_pong_cpu_us.nested_tls} µs: ${report.ping_pong_cpu_vs_nested_tls}; its 16 AEAD calls take ${report.aead_alone.ping_pong_us} µs on their own`,
			`with hybrid-aesgcm, against the same: ${Object.values(report.with_aes).join(", ")}; seals and opens alone allow a file ${report.aead_alone.file_mb_per_s} MB/s, or ${report.aead_alone.file_mb_per_s_aes} with AES, and take ${report.aead_alone.burst_us} µs of each message of a burst`,
		],
	};
}

/** Of us, and of TLS. */
type OfBoth<Value> = readonly [ours: Value, theirs: Value];

/** What each came to, in rounds in which they took turns, and every second time in another order. */
async function against<Result>(
	rounds: number,
	...contestants: OfBoth<() => Promise<Result>>
): Promise<OfBoth<Result[]>> {
	const results: OfBoth<Result[]> = [[], []];
	for (let i = -WARM_UP; i < rounds; i++)
		for (const turn of [0, 1]) {
			const at = ((i + WARM_UP + turn) % 2) as 0 | 1;
			const result = await contestants[at]();
			if (i >= 0) results[at].push(result);
		}
	return results;
}

function each<Result>(
	[ours, theirs]: OfBoth<readonly Result[]>,
	number: (result: Result) => number,
): OfBoth<number[]> {
	return [ours.map(number), theirs.map(number)];
}

interface Measured {
	readonly seconds: number;
	/** Milliseconds of the whole process. */
	readonly cpu: number;
}

const rateOf = ({ seconds }: Measured): number => BURST / seconds;
const cpuOfBurst = ({ cpu }: Measured): number => (cpu * 1000) / BURST;
const cpuOfPingPong = ({ cpu }: Measured): number => (cpu * 1000) / PING_PONGS;

function inRounds(numbers: readonly number[], digits = 0): string {
	return numbers.map((number) => number.toFixed(digits)).join(" ");
}

/** Of so many bytes on their way between modules: sealed and opened by session 2, by both links and by session 1, in microseconds of CPU. */
async function aeadOfAll(bytes: number): Promise<number> {
	return 4 * (await sealAndOpen(aeadOf(bytes), bytes));
}

/** What seals so many bytes in the suite that a new home has first, and on the links of those who accept it alone. */
function aeadOf(bytes: number): AeadName {
	const [first] = suitesOfNewHome();
	const { aead, records } = suiteByName(first as SuiteName).protocol;
	const isLong = records === "ChaChaPoly+AESGCM" && bytes > LONG_BODY_BYTES;
	return isLong ? "AESGCM" : aead;
}

/** One seal and one open of so many bytes, in microseconds of CPU. */
async function sealAndOpen(name: AeadName, bytes: number): Promise<number> {
	const { crypto } = providing();
	const aead = crypto.aead(name, crypto.random(32));
	const nonce = new Uint8Array(12);
	const header = new Uint8Array(HEADER_BYTES);
	const message = new Uint8Array(bytes);
	const repeat = () => {
		for (let i = 0; i < PING_PONGS; i++) {
			const record = aead.sealRecord(nonce, header, message);
			const opened = aead.open(nonce, header, record.subarray(header.length));
			// As sessions do with what is large.
			if (opened !== undefined) release(opened);
			release(record);
		}
	};
	repeat();
	const times: number[] = [];
	for (let i = 0; i < 9; i++) times.push(await cpuOf(repeat));
	return (1000 * median(times)) / PING_PONGS;
}

async function measured(work: () => Promise<void>): Promise<Measured> {
	clearTheTable();
	const start = performance.now();
	const cpu = await cpuOf(work);
	return { seconds: (performance.now() - start) / 1000, cpu };
}

/** As whoever writes a file to the disk does with what is written. */
const giveBack = releaseAround;

async function fileOurs(
	from: Channel,
	to: Channel,
	read: (message: Uint8Array) => void = () => {},
): Promise<number> {
	const chunk = new Uint8Array(CHUNK_BYTES);
	clearTheTable();
	const start = performance.now();
	const received = (async () => {
		for (let at = 0; at < FILE_BYTES; ) {
			const message = await to.receive();
			at += message?.length ?? FILE_BYTES;
			if (message !== undefined) read(message);
		}
	})();
	for (let at = 0; at < FILE_BYTES; at += CHUNK_BYTES) await from.send(chunk);
	await received;
	return FILE_BYTES / 1e6 / ((performance.now() - start) / 1000);
}

async function fileTls({ client, server }: NestedTls): Promise<number> {
	const chunk = new Uint8Array(CHUNK_BYTES);
	clearTheTable();
	const start = performance.now();
	const received = count(server, FILE_BYTES);
	for (let at = 0; at < FILE_BYTES; at += CHUNK_BYTES)
		await written(client, chunk);
	await received;
	return FILE_BYTES / 1e6 / ((performance.now() - start) / 1000);
}

/** As `fileTls`, to the client, which reads into the same memory again and again. */
async function fileTlsInto({ sender, come }: TlsInto): Promise<number> {
	const chunk = new Uint8Array(CHUNK_BYTES);
	clearTheTable();
	const start = performance.now();
	const received = come(FILE_BYTES);
	for (let at = 0; at < FILE_BYTES; at += CHUNK_BYTES)
		await written(sender, chunk);
	await received;
	return FILE_BYTES / 1e6 / ((performance.now() - start) / 1000);
}

async function written(
	socket: NestedTls["client"],
	bytes: Uint8Array,
): Promise<void> {
	if (!socket.write(bytes) && socket.writableLength >= MAY_WAIT_BYTES)
		await once(socket, "drain");
}

/** Resolves when so many bytes have come. */
function count(socket: NestedTls["server"], bytes: number): Promise<void> {
	return new Promise((resolve) => {
		let seen = 0;
		const onData = (data: Buffer) => {
			seen += data.length;
			if (seen < bytes) return;
			socket.off("data", onData);
			resolve();
		};
		socket.on("data", onData);
	});
}

async function burstOurs(from: Channel, to: Channel): Promise<void> {
	const message = new Uint8Array(SMALL_BYTES);
	// All that came together at once, as a stream gives it.
	const received = (async () => {
		for (let i = 0; i < BURST; ) i += (await to.receiveMany())?.length ?? BURST;
	})();
	for (let i = 0; i < BURST; i++) await from.send(message);
	await received;
}

async function burstTls({ client, server }: NestedTls): Promise<void> {
	const message = new Uint8Array(SMALL_BYTES);
	const received = count(server, BURST * SMALL_BYTES);
	for (let i = 0; i < BURST; i++) await written(client, message);
	await received;
}

async function pingPongOurs(from: Channel, to: Channel): Promise<void> {
	const message = new Uint8Array(SMALL_BYTES);
	for (let i = 0; i < PING_PONGS; i++) {
		await from.send(message);
		await to.receive();
		await to.send(message);
		await from.receive();
	}
}

async function pingPongTls({ client, server }: NestedTls): Promise<void> {
	const message = new Uint8Array(SMALL_BYTES);
	for (let i = 0; i < PING_PONGS; i++) {
		const there = count(server, SMALL_BYTES);
		client.write(message);
		await there;
		const back = count(client, SMALL_BYTES);
		server.write(message);
		await back;
	}
}
