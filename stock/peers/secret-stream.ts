/*
 * Two streams of @hyperswarm/secret-stream, one inside the other, over loopback TCP: Noise XX with
 * static keys of Ed25519 and then libsodium's secretstream. Both ends are in this process.
 */
import { once } from "node:events";
import { connect, createServer, type Socket } from "node:net";
import type { Duplex } from "node:stream";
// @ts-expect-error: it has no types.
import SecretStream from "@hyperswarm/secret-stream";
import { Counter, type End, type Pair, takePairTurns } from "./pairs.ts";

interface NoiseStream extends Duplex {
	readonly opened: Promise<boolean>;
}

const key = () => SecretStream.keyPair();
const keys = [
	[key(), key()],
	[key(), key()],
] as const;

/** Both layers of an end. */
function layered(
	socket: Socket,
	isInitiator: boolean,
	[outer, inner]: (typeof keys)[number],
): NoiseStream {
	socket.setNoDelay();
	const outside = new SecretStream(isInitiator, socket, { keyPair: outer });
	return new SecretStream(isInitiator, outside, { keyPair: inner });
}

function endOf(stream: NoiseStream): End {
	const counter = new Counter();
	stream.on("data", (data) => counter.came(data.length));
	return {
		async send(bytes) {
			// It seals in the place that it is given.
			if (!stream.write(Buffer.from(bytes))) await once(stream, "drain");
		},
		receive: (bytes) => counter.receive(bytes),
	};
}

const server = createServer();
server.listen(0, "127.0.0.1");
await once(server, "listening");
const address = server.address();
const port = typeof address === "object" ? (address?.port ?? 0) : 0;

await takePairTurns(async (): Promise<Pair> => {
	const accepted = once(server, "connection");
	const socket = connect(port, "127.0.0.1");
	await once(socket, "connect");
	const [far] = (await accepted) as [Socket];
	const left = layered(socket, true, keys[0]);
	const right = layered(far, false, keys[1]);
	const pair = {
		left: endOf(left),
		right: endOf(right),
		end() {
			left.on("error", () => {});
			right.on("error", () => {});
			left.destroy();
			right.destroy();
			socket.destroy();
			far.destroy();
		},
	};
	await Promise.all([left.opened, right.opened]);
	const there = pair.right.receive(1);
	await pair.left.send(new Uint8Array(1));
	await there;
	const back = pair.left.receive(1);
	await pair.right.send(new Uint8Array(1));
	await back;
	return pair;
});
