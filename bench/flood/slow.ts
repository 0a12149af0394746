/* Opens many sockets, of which half say nothing and half one byte a second, and waits until all are cut. */
import { createConnection, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { encodeFrame, FRAME } from "../../src/wire/index.ts";
import type { SlowOptions, SlowResult } from "./messages.ts";

const OFFER = encodeFrame(FRAME.offer, new Uint8Array(2400));

/** Sockets that are made at once, so that those that wait to be taken fit into the system's queue. */
const AT_ONCE = 25;

process.once("message", (options: SlowOptions) => {
	void hold(options).then((result) => {
		process.send?.(result);
		process.disconnect?.();
		process.exit(0);
	});
});

async function hold({
	host,
	port,
	from,
	sockets,
	ms,
}: SlowOptions): Promise<SlowResult> {
	const open = new Set<Socket>();
	let cut = 0;
	let longestMs = 0;
	let left = sockets;
	const all = Promise.withResolvers<void>();
	const one = (i: number): void => {
		const localAddress = from[i % from.length] ?? "";
		const socket = createConnection({ host, port, localAddress });
		open.add(socket);
		let began = performance.now();
		let said = 0;
		let drip: NodeJS.Timeout | undefined;
		let isCut = false;
		// The other end has hung up, whether or not this one has.
		const over = (): void => {
			if (isCut) return;
			isCut = true;
			clearInterval(drip);
			open.delete(socket);
			cut++;
			longestMs = Math.max(longestMs, performance.now() - began);
			if (--left === 0) all.resolve();
		};
		socket.on("connect", () => {
			began = performance.now();
			if (i % 2 === 0) return;
			drip = setInterval(() => {
				socket.write(OFFER.subarray(said, ++said));
			}, 1000);
		});
		socket.on("data", () => {});
		socket.on("end", over);
		socket.on("error", () => {});
		socket.on("close", over);
	};
	for (let i = 0; i < sockets; i++) {
		one(i);
		if (i % AT_ONCE === AT_ONCE - 1) await pause(50);
	}
	await Promise.race([all.promise, pause(ms)]);
	return { sockets, cut, longestMs };
}
