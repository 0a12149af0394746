/* Two sessions of TLS 1.3, one inside the other, as a bench compares them with the others here: both ends in this process, over loopback TCP, Ed25519. */
import type { TLSSocket } from "node:tls";
import { TlsBench } from "../../bench/nested-tls.ts";
import { Counter, type End, type Pair, takePairTurns } from "./pairs.ts";

function endOf(socket: TLSSocket): End {
	const counter = new Counter();
	socket.on("data", (data: Buffer) => counter.came(data.length));
	return {
		send: (bytes) => void socket.write(bytes),
		receive: (bytes) => counter.receive(bytes),
	};
}

const tls = await TlsBench.make("Ed25519");
await takePairTurns(async (): Promise<Pair> => {
	const { client, server, destroy } = await tls.establish();
	return { left: endOf(client), right: endOf(server), end: destroy };
});
