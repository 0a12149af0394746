/* Ours, as a bench compares it with the others here: four devices in this process, agents over loopback TCP, links in memory, Ed25519; messages go from module to module. */
import { Four } from "../../bench/four.ts";
import type { Channel } from "../../src/device/runtime/channel.ts";
import { type End, type Pair, takePairTurns } from "./pairs.ts";

function endOf(channel: Channel): End {
	return {
		send: (bytes) => channel.send(bytes),
		async receive(bytes) {
			// The others have streams, and are told of all bytes that came together, too.
			for (let at = 0; at < bytes; )
				for (const { length } of (await channel.receiveMany()) ?? [])
					at += length;
		},
	};
}

const four = await Four.make("Ed25519");
await takePairTurns(async (): Promise<Pair> => {
	const ends = await four.establish();
	return {
		left: endOf(ends.x.module),
		right: endOf(ends.y.module),
		end: () => four.end(ends),
	};
});
