/* A side that calls a merchant again and again, as a process: how many tetrads it has made in so many milliseconds. */
import { connect } from "../../src/carrier/index.ts";
import { readHome } from "../../src/device/home/index.ts";
import {
	MoneyModule,
	pairInProcess,
	TrustedAgent,
} from "../../src/device/runtime/index.ts";
import { asTetradError } from "../../src/errors.ts";

export interface CallerOptions {
	/** Homes of its own. */
	readonly agent: string;
	readonly module: string;
	readonly address: string;
}

/** For how long it shall call; it answers with what came of that. */
export interface Calling {
	readonly ms: number;
	/** Calls at once. */
	readonly atOnce: number;
}

export interface Called {
	readonly kind: "called";
	readonly done: number;
	readonly ms: number;
	readonly cpuMs: number;
	readonly failed: Readonly<Record<string, number>>;
}

const options = JSON.parse(process.argv[2] ?? "{}") as CallerOptions;

await using homes = new AsyncDisposableStack();
const agent = homes.use(
	new TrustedAgent(homes.use(await readHome(options.agent, "agent"))),
);
const module = homes.use(
	new MoneyModule({
		...homes.use(await readHome(options.module, "module")),
		onTetrad: () => {},
	}),
);
await pairInProcess(agent, module);

async function call({ ms, atOnce }: Calling): Promise<Called> {
	const failed: Record<string, number> = {};
	let done = 0;
	const began = performance.now();
	const before = process.cpuUsage();
	const one = async () => {
		while (performance.now() - began < ms)
			try {
				const tetrad = await agent.connect(await connect(options.address));
				if (performance.now() - began < ms) done++;
				void tetrad.close();
			} catch (thrown) {
				const { code } = asTetradError(thrown);
				failed[code] = (failed[code] ?? 0) + 1;
			}
	};
	await Promise.all(Array.from({ length: atOnce }, one));
	const { user, system } = process.cpuUsage(before);
	return { kind: "called", done, ms, cpuMs: (user + system) / 1000, failed };
}

const stopped = Promise.withResolvers<void>();
process.on("message", (calling: Calling) => {
	void call(calling).then((called) => process.send?.(called));
});
process.on("disconnect", () => stopped.resolve());
process.send?.({ kind: "ready" });
await stopped.promise;
