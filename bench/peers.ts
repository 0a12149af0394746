import {
	type BenchOptions,
	type BenchResult,
	median,
	medianRatio,
	round,
} from "./measure.ts";
import { installStock } from "./stock.ts";
import { TurnTaker } from "./turn-taker.ts";

/** Programs of `stock/peers`, with what each of them does. */
const PEERS = {
	tetrad: "a tetrad: four devices, two sessions and two links, hybrid",
	"nested-tls": "two nested sessions of node:tls, hybrid",
	"secret-stream":
		"two nested streams of @hyperswarm/secret-stream, Noise XX, not hybrid",
	"libp2p-noise":
		"two nested sessions of @chainsafe/libp2p-noise, XX, not hybrid",
	mls: "a group of four of ts-mls, X-Wing, nothing travels",
} as const;

type Peer = keyof typeof PEERS;

const NAMES = Object.keys(PEERS) as readonly Peer[];

const TURNS = ["establish", "ping-pong", "burst"] as const;

type Turn = (typeof TURNS)[number];

/** Rounds before the first that counts. */
const WARM_UP = 20;

/** What others do that comes nearest to a tetrad, turn by turn, each in a process of its own: CPU time. */
export async function benchPeers({
	rounds,
	tell,
}: BenchOptions): Promise<BenchResult> {
	installStock();
	await using stack = new AsyncDisposableStack();
	const takers = new Map<Peer, TurnTaker>();
	for (const name of NAMES)
		takers.set(name, stack.use(await TurnTaker.start(`peers/${name}.ts`)));
	const taken = new Map<string, number[]>();
	const of = (name: Peer, turn: Turn) => taken.get(`${name} ${turn}`) ?? [];
	for (let i = -WARM_UP; i < rounds; i++) {
		for (const turn of TURNS)
			for (const [name, taker] of takers) {
				const ms = await taker.take(turn);
				if (i >= 0) taken.set(`${name} ${turn}`, [...of(name, turn), ms]);
			}
		if (i < 0 && i % 5 !== 0) continue;
		tell(
			i < 0 ? `warming up, ${-i} rounds to go` : `round ${i + 1} of ${rounds}`,
		);
	}
	const figure = (name: Peer, turn: Turn, digits: number) => ({
		us: round(1000 * median(of(name, turn)), digits),
		tetrad_vs_it: round(medianRatio(of("tetrad", turn), of(name, turn)), 2),
	});
	const report = Object.fromEntries(
		NAMES.map((name) => [
			name,
			{
				what: PEERS[name],
				establishment: figure(name, "establish", 0),
				there_and_back: figure(name, "ping-pong", 1),
				of_a_burst: figure(name, "burst", 2),
			},
		]),
	);
	return {
		report,
		lines: [
			"CPU time in µs, and how many times that ours is: an establishment; 256 bytes there and back; one of 2000 messages of 256 bytes in a burst. All ends of each in one process; Ed25519",
			...Object.values(report).map(
				({ what, establishment, there_and_back, of_a_burst }) =>
					`  ${what}: ${[establishment, there_and_back, of_a_burst].map(({ us, tetrad_vs_it }) => `${us} (${tetrad_vs_it})`).join(", ")}`,
			),
		],
	};
}
