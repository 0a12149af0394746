/*
 * Calls an agent again and again from several addresses, sends it a true offer, and its cookie when
 * it asks for one, and then nothing any more.
 */
import { createConnection, type Socket } from "node:net";
import { setTimeout as pause } from "node:timers/promises";
import { nodeCrypto } from "../../src/crypto/index.ts";
import { startInitiator, suiteByName } from "../../src/session/index.ts";
import { messages } from "../../src/tetrad/index.ts";
import { makeOffer } from "../../src/tetrad/offer.ts";
import { enc, encodeFrame, FRAME, utf8 } from "../../src/wire/index.ts";
import type { FlooderOptions, FlooderResult } from "./messages.ts";

/** Offers that are made before the first call: an honest agent makes each anew, and a flooder need not. */
const OFFERS = 64;

/** How often it calls as many as it is due, in milliseconds. */
const TICK_MS = 5;

process.once("message", (options: FlooderOptions) => {
	void flood(options).then((result) => {
		process.send?.(result);
		process.disconnect?.();
		process.exit(0);
	});
});

interface Flight {
	readonly offer: Uint8Array;
	readonly message1: Uint8Array;
}

async function flood(options: FlooderOptions): Promise<FlooderResult> {
	const flights = Array.from({ length: OFFERS }, makeFlight);
	const counts = { called: 0, cookies: 0, answered: 0, refused: 0 };
	const open = new Set<Socket>();
	const started = performance.now();
	for (let now = 0; now < options.ms; now = performance.now() - started) {
		const due = Math.floor((now / 1000) * options.perSecond);
		while (counts.called < due && open.size < options.open) {
			const from = options.from[counts.called % options.from.length] ?? "";
			const flight = flights[counts.called % OFFERS] as Flight;
			counts.called++;
			call(options, from, flight, counts, open);
		}
		await pause(TICK_MS);
	}
	for (const socket of open) socket.destroy();
	return counts;
}

function call(
	{ host, port }: FlooderOptions,
	localAddress: string,
	flight: Flight,
	counts: { cookies: number; answered: number; refused: number },
	open: Set<Socket>,
): void {
	const socket = createConnection({ host, port, localAddress });
	open.add(socket);
	let heard: Buffer = Buffer.alloc(0);
	let isAnswered = false;
	socket.on("connect", () =>
		socket.write(encodeFrame(FRAME.offer, messages.F1.encode(flight))),
	);
	socket.on("data", (part: Buffer) => {
		if (isAnswered) return;
		heard = heard.length === 0 ? part : Buffer.concat([heard, part]);
		const [type] = heard;
		if (type === FRAME.answer) {
			counts.answered++;
			isAnswered = true;
		}
		const body = heard.subarray(5);
		if (type !== FRAME.cookie || body.length < heard.readUInt32BE(1)) return;
		counts.cookies++;
		const { cookie } = messages.COOKIE.decode(body);
		socket.write(
			encodeFrame(
				FRAME.cookieOffer,
				messages.COOKIE_OFFER.encode({ cookie, ...flight }),
			),
		);
		heard = Buffer.alloc(0);
	});
	socket.on("error", () => {});
	socket.on("close", () => {
		open.delete(socket);
		if (!isAnswered) counts.refused++;
	});
}

/** Flight 1 with ephemeral keys that are good, of an agent and a module that nobody knows. */
function makeFlight(): Flight {
	const suite = suiteByName("hybrid-aesgcm");
	const offer = makeOffer({
		suites: Uint8Array.of(suite.id),
		selected: suite,
		routing: "direct",
		root: "transcript",
		link: "paired",
	});
	const { protocol } = suite;
	const inner = startInitiator(
		nodeCrypto,
		{
			protocol,
			prologue: enc(
				utf8("tetrad/1 s2"),
				Uint8Array.of(1),
				Uint8Array.of(suite.id),
			),
		},
		new Uint8Array(),
	);
	const { message1 } = startInitiator(
		nodeCrypto,
		{ protocol, prologue: enc(utf8("tetrad/1 s1"), offer.raw) },
		inner.message1,
	);
	return { offer: offer.raw, message1 };
}
