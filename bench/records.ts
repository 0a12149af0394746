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
	const results = {
		file: [[], []] as [number[], number[]],
		burst: [[], []] as [number[], number[]],
		burstCpu: [[], []] as [number[], number[]],
		pingPongCpu: [[], []] as [number[], number[]],
	};
	for (let i = -WARM_UP; i < rounds; i++) {
		const file = [
			await fileOurs(ends.a.agent, ends.b.agent),
			await fileTls(single),
		] as const;
		const burst = [
			await measured(() => burstOurs(ends.x.module, ends.y.module)),
			await measured(() => burstTls(nested)),
		] as const;
		const pingPong = [
			(await measured(() => pingPongOurs(ends.x.module, ends.y.module))).cpu,
			(await measured(() => pingPongTls(nested))).cpu,
		] as const;
		if (i < 0) continue;
		for (const who of [0, 1] as const) {
			results.file[who].push(file[who]);
			results.burst[who].push(BURST / burst[who].seconds);
			results.burstCpu[who].push(burst[who].cpu);
			results.pingPongCpu[who].push(pingPong[who]);
		}
		tell(
			`round ${i + 1} of ${rounds}: file ${file[0].toFixed(0)} and ${file[1].toFixed(0)} MB/s, burst ${(BURST / burst[0].seconds).toFixed(0)} and ${(BURST / burst[1].seconds).toFixed(0)} messages/s`,
		);
	}
	await four.end(ends);
	await four.close();
	single.destroy();
	nested.destroy();
	tls.close();
	const report = {
		file_mb_per_s: {
			ours: round(median(results.file[0]), 1),
			tls: round(median(results.file[1]), 1),
		},
		file_vs_tls: round(medianRatio(...results.file)),
		burst_messages_per_s: {
			ours: round(median(results.burst[0]), 0),
			nested_tls: round(median(results.burst[1]), 0),
		},
		burst_vs_nested_tls: round(medianRatio(...results.burst)),
		burst_cpu_vs_nested_tls: round(medianRatio(...results.burstCpu)),
		ping_pong_cpu_us: {
			ours: round((median(results.pingPongCpu[0]) * 1000) / PING_PONGS, 1),
			nested_tls: round(
				(median(results.pingPongCpu[1]) * 1000) / PING_PONGS,
				1,
			),
		},
		ping_pong_cpu_vs_nested_tls: round(medianRatio(...results.pingPongCpu)),
		ping_pong_aead_us: round(await aeadOfAPingPong(), 1),
	};
	return {
		report,
		lines: [
			`a file through session 1: ${report.file_mb_per_s.ours} MB/s, TLS ${report.file_mb_per_s.tls} MB/s: ${report.file_vs_tls} of TLS`,
			`256-byte messages, burst through both layers: ${report.burst_messages_per_s.ours}/s, nested TLS ${report.burst_messages_per_s.nested_tls}/s: ${report.burst_vs_nested_tls} of its rate, ${report.burst_cpu_vs_nested_tls} of its CPU`,
			`256-byte ping-pong: ${report.ping_pong_cpu_us.ours} µs of CPU, nested TLS ${report.ping_pong_cpu_us.nested_tls} µs: ${report.ping_pong_cpu_vs_nested_tls}; its 16 AEAD calls take ${report.ping_pong_aead_us} µs on their own`,
		],
	};
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
