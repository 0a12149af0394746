import { once } from "node:events";
import type { Channel } from "../src/device/runtime/channel.ts";
import { providing } from "../src/provider/index.ts";
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
import { type NestedTls, TlsBench } from "./nested-tls.ts";

const FILE_BYTES: number = 64 * 2 ** 20;
const CHUNK_BYTES: number = 2 ** 16;
const BURST = 2000;
const PING_PONGS = 500;
const SMALL_BYTES = 256;

/** What our carriers let wait before a sender must; TLS by itself stops at 64 KiB, a single chunk. */
const MAY_WAIT_BYTES: number = 2 ** 20;

/** Rounds before the first that counts: see bench/establish.ts. */
const WARM_UP = 6;

/** A file through session 1 against TLS; small messages through both layers against nested TLS. */
export async function benchRecords({
	rounds,
	tell,
}: BenchOptions): Promise<BenchResult> {
	const four = await Four.make("P-256");
	const ends = await four.establish();
	const tls = await TlsBench.make("P-256");
	const single = await tls.single();
	const nested = await tls.establish();
	// One after another, so that nobody collects what another has left behind: a file passes through
	// more memory than all the messages.
	const file = await against(rounds, [
		() => fileOurs(ends.a.agent, ends.b.agent),
		() => fileTls(single),
	]);
	tell(`file ${inRounds(file[0])} MB/s, TLS ${inRounds(file[1])}`);
	const bursts = await against(rounds, [
		() => measured(() => burstOurs(ends.x.module, ends.y.module)),
		() => measured(() => burstTls(nested)),
	]);
	const burst = both(bursts, ({ seconds }) => BURST / seconds);
	const burstCpu = both(bursts, ({ cpu }) => (cpu * 1000) / BURST);
	tell(
		`burst, µs of CPU a message ${inRounds(burstCpu[0], 2)}, TLS ${inRounds(burstCpu[1], 2)}`,
	);
	const pingPongs = await against(rounds, [
		() => measured(() => pingPongOurs(ends.x.module, ends.y.module)),
		() => measured(() => pingPongTls(nested)),
	]);
	const pingPongCpu = both(pingPongs, ({ cpu }) => (cpu * 1000) / PING_PONGS);
	tell(
		`ping-pong, µs of CPU ${inRounds(pingPongCpu[0])}, TLS ${inRounds(pingPongCpu[1])}`,
	);
	await four.end(ends);
	await four.close();
	single.destroy();
	nested.destroy();
	tls.close();
	const report = {
		file_mb_per_s: {
			ours: round(median(file[0]), 1),
			tls: round(median(file[1]), 1),
		},
		file_vs_tls: round(medianRatio(...file)),
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
		ping_pong_aead_us: round(await aeadOfAPingPong(), 1),
	};
	return {
		report,
		lines: [
			`a file through session 1: ${report.file_mb_per_s.ours} MB/s, TLS ${report.file_mb_per_s.tls} MB/s: ${report.file_vs_tls} of TLS`,
			`256-byte messages, burst through both layers: ${report.burst_messages_per_s.ours}/s, nested TLS ${report.burst_messages_per_s.nested_tls}/s: ${report.burst_vs_nested_tls} of its rate; ${report.burst_cpu_us.ours} µs of CPU a message, nested TLS ${report.burst_cpu_us.nested_tls} µs: ${report.burst_cpu_vs_nested_tls} of its CPU`,
			`256-byte ping-pong: ${report.ping_pong_cpu_us.ours} µs of CPU, nested TLS ${report.ping_pong_cpu_us.nested_tls} µs: ${report.ping_pong_cpu_vs_nested_tls}; its 16 AEAD calls take ${report.ping_pong_aead_us} µs on their own`,
		],
	};
}

/** What each of two came to, in rounds in which they took turns. */
async function against<Result>(
	rounds: number,
	[ours, theirs]: readonly [() => Promise<Result>, () => Promise<Result>],
): Promise<[Result[], Result[]]> {
	const results: [Result[], Result[]] = [[], []];
	for (let i = -WARM_UP; i < rounds; i++) {
		const each = [await ours(), await theirs()] as const;
		if (i < 0) continue;
		results[0].push(each[0]);
		results[1].push(each[1]);
	}
	return results;
}

function both<Result>(
	[ours, theirs]: readonly [readonly Result[], readonly Result[]],
	number: (result: Result) => number,
): [number[], number[]] {
	return [ours.map(number), theirs.map(number)];
}

function inRounds(numbers: readonly number[], digits = 0): string {
	return numbers.map((number) => number.toFixed(digits)).join(" ");
}

/** Two messages, each sealed and opened by session 2, by both links and by session 1, in microseconds of CPU. */
async function aeadOfAPingPong(): Promise<number> {
	const { crypto, shortAead } = providing();
	const key = crypto.random(32);
	// Links have theirs whatever the suite is.
	const aeads = [crypto.aead("AESGCM", key), crypto.aead(shortAead, key)];
	const nonce = new Uint8Array(12);
	const header = new Uint8Array(5);
	const message = new Uint8Array(SMALL_BYTES);
	const repeat = () => {
		for (let i = 0; i < PING_PONGS * 4; i++)
			for (const aead of aeads) {
				const record = aead.sealRecord(nonce, header, message);
				aead.open(nonce, header, record.subarray(header.length));
			}
	};
	repeat();
	return ((await cpuOf(repeat)) * 1000) / PING_PONGS;
}

async function measured(
	work: () => Promise<void>,
): Promise<{ seconds: number; cpu: number }> {
	clearTheTable();
	const start = performance.now();
	const cpu = await cpuOf(work);
	return { seconds: (performance.now() - start) / 1000, cpu };
}

async function fileOurs(from: Channel, to: Channel): Promise<number> {
	const chunk = new Uint8Array(CHUNK_BYTES);
	clearTheTable();
	const start = performance.now();
	const received = (async () => {
		for (let at = 0; at < FILE_BYTES; )
			at += (await to.receive())?.length ?? FILE_BYTES;
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
	const received = (async () => {
		for (let i = 0; i < BURST; i++) await to.receive();
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
