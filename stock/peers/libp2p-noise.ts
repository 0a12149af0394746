/*
 * Two sessions of @chainsafe/libp2p-noise, one inside the other, over libp2p's own loopback TCP:
 * Noise XX with static keys that identity keys of Ed25519 have signed. Both ends are in this process.
 */
import { noise } from "@chainsafe/libp2p-noise";
import { generateKeyPair } from "@libp2p/crypto/keys";
import type {
	ConnectionEncrypter,
	MessageStream,
	MultiaddrConnection,
	StreamMessageEvent,
	Upgrader,
} from "@libp2p/interface";
import { defaultLogger } from "@libp2p/logger";
import { peerIdFromPrivateKey } from "@libp2p/peer-id";
import { tcp } from "@libp2p/tcp";
import { multiaddr } from "@multiformats/multiaddr";
import { Counter, type End, type Pair, takePairTurns } from "./pairs.ts";

const logger = defaultLogger();

async function encrypter(): Promise<ConnectionEncrypter> {
	const privateKey = await generateKeyPair("Ed25519");
	const peerId = peerIdFromPrivateKey(privateKey);
	// No multiplexer is agreed on, which is all that an upgrader is asked for.
	const upgrader = { getStreamMuxers: () => new Map() } as unknown as Upgrader;
	return noise()({ privateKey, peerId, logger, upgrader });
}

const near = [await encrypter(), await encrypter()] as const;
const far = [await encrypter(), await encrypter()] as const;

async function outbound(connection: MessageStream): Promise<MessageStream> {
	const options = { skipStreamMuxerNegotiation: true };
	const outer = await near[0].secureOutbound(connection, options);
	return (await near[1].secureOutbound(outer.connection, options)).connection;
}

async function inbound(connection: MessageStream): Promise<MessageStream> {
	const options = { skipStreamMuxerNegotiation: true };
	const outer = await far[0].secureInbound(connection, options);
	return (await far[1].secureInbound(outer.connection, options)).connection;
}

function endOf(stream: MessageStream): End {
	const counter = new Counter();
	stream.addEventListener("message", ({ data }: StreamMessageEvent) =>
		counter.came(data.byteLength),
	);
	return {
		async send(bytes) {
			if (!stream.send(bytes)) await stream.onDrain();
		},
		receive: (bytes) => counter.receive(bytes),
	};
}

let accept: (connection: MultiaddrConnection) => void = () => {};
// One of them is silent while the others take their turns.
const PATIENT_MS = 3_600_000;
const transport = tcp({
	inboundSocketInactivityTimeout: PATIENT_MS,
	outboundSocketInactivityTimeout: PATIENT_MS,
})({ logger });
const listener = transport.createListener({
	upgrader: {
		upgradeInbound: async (connection: MultiaddrConnection) =>
			accept(connection),
	} as unknown as Upgrader,
});
await listener.listen(multiaddr("/ip4/127.0.0.1/tcp/0"));
const [address] = listener.getAddrs();
if (address === undefined) throw new Error("nobody listens");

await takePairTurns(async (): Promise<Pair> => {
	const accepted = new Promise<MultiaddrConnection>((resolve) => {
		accept = resolve;
	});
	let called: MultiaddrConnection | undefined;
	await transport.dial(address, {
		signal: new AbortController().signal,
		upgrader: {
			upgradeOutbound: async (connection: MultiaddrConnection) => {
				called = connection;
			},
		} as unknown as Upgrader,
	});
	if (called === undefined) throw new Error("no connection was made");
	const [near, far] = [called, await accepted];
	const [left, right] = await Promise.all([outbound(near), inbound(far)]);
	const pair = {
		left: endOf(left),
		right: endOf(right),
		end() {
			near.abort(new Error("over"));
			far.abort(new Error("over"));
		},
	};
	const there = pair.right.receive(1);
	pair.left.send(new Uint8Array(1));
	await there;
	const back = pair.left.receive(1);
	pair.right.send(new Uint8Array(1));
	await back;
	return pair;
});
