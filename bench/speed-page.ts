/*
 * docs/speed.md has what the benches measured between marks, and nowhere else: a table made of
 * bench/results, and with what it was measured.
 */
import { type ReadResult, ratioText, reachCells, reachRows } from "./reach.ts";

interface Machine {
	readonly cpu: string;
	readonly cores: number;
	readonly node: string;
	readonly crypto?: string;
	readonly commit: string;
	readonly date: string;
	readonly rounds: number;
	readonly load?: string;
}

/** A result as it was parsed: whatever it has is put into a table, and what it lacks is seen there. */
// biome-ignore lint/suspicious/noExplicitAny: the benches have no types for their reports, and a wrong name shows in the page.
type Report = any;

type Row = readonly string[];

const COSTS: Row = ["what", "Tetrad", "compared with", "ratio"];

const ms = (value: number, digits = 1) => `${value.toFixed(digits)} ms`;
const us = (value: number, digits = 0) => `${value.toFixed(digits)} µs`;

/** What is between the marks of each name. */
const BLOCKS: Readonly<Record<string, (read: ReadResult) => string>> = {
	reach: (read) =>
		table(["what", "wanted", "measured", ""], reachCells(reachRows(read))).join(
			"\n",
		),
	establish: block("establish", COSTS, establishRows),
	records: block("records", COSTS, recordRows),
	payments: block("payments", COSTS, paymentRows),
	deposits: block("deposits", COSTS, depositRows),
	purchases: block("purchases", COSTS, purchaseRows),
	paid: block("paid", COSTS, paidRows),
	idle: block("idle", COSTS, idleRows),
	scale: block("scale", COSTS, scaleRows),
	heap: block("heap", ["what", "grown for each", "in all"], heapRows),
	agents: block(
		"agents",
		["", "one process", "two", "ratio", "CPU of the agent for one", "ratio"],
		agentRows,
	),
	modules: block(
		"modules",
		["", "one module", "two", "ratio", "CPU of the modules for one", "ratio"],
		moduleRows,
	),
	peers: block(
		"peers",
		["what", "establishment", "256 bytes there and back", "of a burst"],
		peerRows,
	),
};

/** The page with all its blocks renewed. Throws when it has not each of them once. */
export function renewed(page: string, read: ReadResult): string {
	const missing = new Set(Object.keys(BLOCKS));
	const text = page.replace(
		/(<!-- bench (\w+) -->\n)[\s\S]*?(<!-- bench end -->)/g,
		(_, begin: string, name: string, end: string) => {
			if (!missing.delete(name)) throw new Error(`${name} is there twice`);
			return `${begin}\n${BLOCKS[name]?.(read)}\n\n${end}`;
		},
	);
	if (missing.size > 0)
		throw new Error(`the page lacks ${[...missing].join(", ")}`);
	return text;
}

/** Of one bench: a table, and with what it was measured. */
function block(
	name: string,
	head: Row,
	rowsOf: (report: Report) => readonly Row[],
): (read: ReadResult) => string {
	return (read) => {
		const text = read(name);
		if (text === undefined) return "Not measured yet.";
		const result = JSON.parse(text);
		return [
			...table(head, rowsOf(result[name])),
			"",
			measuredWith(name, result.machine),
		].join("\n");
	};
}

function table(head: Row, rows: readonly Row[]): string[] {
	const line = (cells: Row) => `| ${cells.join(" | ")} |`.replaceAll("  ", " ");
	return [line(head), `|${"---|".repeat(head.length)}`, ...rows.map(line)];
}

function measuredWith(
	name: string,
	{ cpu, cores, node, crypto, commit, date, rounds, load }: Machine,
): string {
	const beside =
		load === undefined ? "" : `, beside a load of ${load} on all cores`;
	return `Measured with \`npm run bench -- ${name}\`, ${rounds} rounds, on ${cores} cores of ${cpu}, Node ${node.slice(1)}${crypto === undefined ? "" : `, ${crypto}`}, commit ${commit}, ${date}${beside}.`;
}

function establishRows(establish: Report): Row[] {
	const { algorithms, resumed_vs_full: resumed } = establish;
	const of = Object.entries<Report>(algorithms);
	const bytes = (way: string) => `${establish.bytes[way]} bytes`;
	return [
		...of.map(([name, { cpu_ms, cpu_vs_nested_tls }]) => [
			`establishment, ${name}`,
			ms(cpu_ms.ours_warm),
			`two nested TLS 1.3 sessions, ${ms(cpu_ms.nested_tls)}`,
			ratioText(cpu_vs_nested_tls),
		]),
		...of.map(([name, { cpu_ms, cpu_vs_nested_tls_cold }]) => [
			`the same, ${name}, chains never seen before`,
			ms(cpu_ms.ours_cold),
			`the same, ${ms(cpu_ms.nested_tls)}`,
			ratioText(cpu_vs_nested_tls_cold),
		]),
		...of.map(([name, { cpu_ms, cpu_vs_operations }]) => [
			`the same, ${name}`,
			ms(cpu_ms.ours_warm),
			`its own cryptographic calls, one by one, ${ms(cpu_ms.operations)}`,
			ratioText(cpu_vs_operations),
		]),
		...of.map(([name, { cpu_ms, resumed_vs_full }]) => [
			`the same, ${name}, resumed`,
			ms(cpu_ms.resumed),
			`in full, ${ms(cpu_ms.ours_warm)}`,
			ratioText(resumed_vs_full),
		]),
		[
			...["on the network, resumed", bytes("resumed")],
			`in full, ${bytes("direct")}; crossed, ${bytes("crossed")}`,
			ratioText(resumed.bytes),
		],
	];
}

function recordRows(records: Report): Row[] {
	const { file_mb_per_s: file, burst_cpu_us, ping_pong_cpu_us } = records;
	const { aead_alone: alone, with_aes: aes } = records;
	const mb = (value: number) => `${value.toFixed(0)} MB/s`;
	const rate = (value: number) => `${Math.round(value / 1000)},000/s`;
	const burst = records.burst_messages_per_s;
	const bare = records.file_without_garbage;
	return [
		[
			...["a file over session 1", mb(file.ours)],
			`TLS 1.3, ${mb(file.tls)}`,
			`${ratioText(records.file_vs_tls)}; with AES ${ratioText(aes.file_vs_tls)}`,
		],
		...(bare === undefined
			? []
			: [
					[
						...["the same, no memory left to the collector", mb(bare.ours)],
						...[`TLS 1.3, ${mb(bare.tls)}`, ratioText(bare.vs_tls)],
					],
				]),
		[
			...["the same", mb(file.ours)],
			`its seals and opens alone, ${mb(alone.file_mb_per_s)}; with AES ${mb(alone.file_mb_per_s_aes)}`,
			"",
		],
		[
			...["256 bytes in a burst, module to module", rate(burst.ours)],
			`nested TLS, ${rate(burst.nested_tls)}`,
			`${ratioText(records.burst_vs_nested_tls)}; with AES ${ratioText(aes.burst_vs_nested_tls)}`,
		],
		[
			...["the same, CPU", us(burst_cpu_us.ours, 2)],
			`nested TLS, ${us(burst_cpu_us.nested_tls, 2)}; seals and opens alone, ${us(alone.burst_us, 2)}`,
			`${ratioText(records.burst_cpu_vs_nested_tls)}; with AES ${ratioText(aes.burst_cpu_vs_nested_tls)}`,
		],
		[
			...["256 bytes from module to module and back, CPU"],
			us(ping_pong_cpu_us.ours),
			`nested TLS, ${us(ping_pong_cpu_us.nested_tls)}; seals and opens alone, ${us(alone.ping_pong_us)}`,
			`${ratioText(records.ping_pong_cpu_vs_nested_tls)}; with AES ${ratioText(aes.ping_pong_cpu_vs_nested_tls)}`,
		],
	];
}

function paymentRows({ algorithms, swap, concurrent }: Report): Row[] {
	const against = `a swap of one proof, ${ms(swap.cpu_ms, 2)}`;
	const row = (what: string, { cpu_ms, swap_vs_payment }: Report): Row => [
		...[what, ms(cpu_ms, 2), against, ratioText(1 / swap_vs_payment)],
	];
	return Object.entries<Report>(algorithms).flatMap(
		([name, { documents, together, alone }]) => [
			row(`a payment, ${name}, what is signed and verified alone`, documents),
			row(
				`a whole payment, ${name}, ${concurrent} at once, ${together.per_second} a second`,
				together,
			),
			row(
				`a whole payment, ${name}, one at a time, ${alone.per_second} a second`,
				alone,
			),
		],
	);
}

function depositRows({ contestants, large_vs_small }: Report): Row[] {
	return Object.entries<number>(large_vs_small).map(([database, ratio]) => {
		const [few, many] = contestants.filter(
			(one: Report) => one.database === database,
		);
		const count = (of: Report) => of.notes.toLocaleString("en");
		return [
			`deposits on ${database}, ${count(many)} notes there`,
			`${many.per_second}/s`,
			`with ${count(few)}, ${few.per_second}/s`,
			ratioText(ratio),
		];
	});
}

function purchaseRows(purchases: Report): Row[] {
	const { standing, per_second, settled_ms, bytes, x402, large_file } =
		purchases;
	const bare = (what: string, of: Report): Row => [
		...[what, ms(of.ms)],
		`its durable writes and round trips alone, ${ms(of.bare_ms)}`,
		ratioText(of.vs_bare),
	];
	const mb = (value: number) => `${value.toFixed(0)} MB/s`;
	const lost =
		x402.left_out === undefined
			? `x402 \`exact\`: paid ${x402.lost_answer.bought_again.paid} times in the end`
			: "";
	return [
		bare("a purchase, until the key is there", standing.key),
		bare("a purchase, until the goods are there, durable", standing.goods),
		[...["a purchase, CPU of all devices", ms(purchases.cpu_ms), "", ""]],
		[
			...["a purchase cold, with two tetrads of its own"],
			...[ms(purchases.cold_ms), "", ""],
		],
		...(x402.left_out === undefined
			? [
					[
						...["the same sale as in the second row", ms(standing.goods.ms)],
						`x402 \`exact\` on a chain in memory, ${ms(x402.latency_ms)}`,
						ratioText(standing.goods.ms / x402.latency_ms),
					],
				]
			: []),
		[...["purchases by one buyer", `${per_second[1]}/s`, "", ""]],
		[
			...["purchases by 64 at once, all stores on one disk"],
			`${per_second[64]}/s`,
			...(per_second.bare === undefined
				? ["", ""]
				: [
						`their durable writes alone, ${per_second.bare}/s`,
						ratioText(purchases.together_vs_bare),
					]),
		],
		[
			...["on the network, merchandise of 4096 bytes included"],
			`${bytes.standing} bytes`,
			`cold, ${bytes.cold} bytes`,
			"",
		],
		[
			...["the answer lost, until the goods are there"],
			`${ms(settled_ms.with_merchant)} from when the merchant is met`,
			`${ms(settled_ms.with_issuer)} from when only the issuer is; ${lost}`,
			"",
		],
		[
			...["a file of 256 MiB, bought", mb(large_file.mb_per_s.bought)],
			`TLS 1.3 from file to file, ${mb(large_file.mb_per_s.tls)}`,
			ratioText(large_file.vs_tls),
		],
	];
}

function paidRows({ request, call }: Report): Row[] {
	const row = (what: string, of: Report): Row => [
		...[what, ms(of.ms)],
		`the purchase that it contains, ${ms(of.purchase_ms)}`,
		ratioText(of.vs_purchase),
	];
	const standing = "in a tetrad that stands";
	return [
		row(`a paid request, ${standing}`, request.standing),
		row("a paid request, cold", request.cold),
		row(`a paid call of a tool, ${standing}`, call.standing),
		row("a paid call of a tool, cold", call.cold),
		[
			...[`a paid request, ${standing}`, ms(request.standing.ms)],
			`x402 \`exact\` on a chain in memory, ${ms(request.x402_exact_ms)}`,
			ratioText(request.vs_x402_exact),
		],
		[
			...["unpaid, the request", ms(request.unpaid_ms)],
			`the call, ${ms(call.unpaid_ms)}`,
			"",
		],
	];
}

function idleRows({ tetrad, nested_tls, vs_nested_tls }: Report): Row[] {
	const kb = (of: Report) =>
		`${of.kb.toFixed(0)} KB, ${of.kb_of_javascript.toFixed(0)} of it JavaScript's`;
	return [
		[
			...["an idle tetrad, agent and module", kb(tetrad)],
			`two nested TLS sessions, ${kb(nested_tls)}`,
			ratioText(vs_nested_tls),
		],
	];
}

function scaleRows({ establishments, purchases }: Report): Row[] {
	const count = (value: number) => value.toLocaleString("en");
	const [least, ...more] = establishments.with;
	const [few, many] = purchases.with;
	return [
		...more.map((of: Report) => [
			`an establishment while ${count(of.standing)} tetrads stand, CPU`,
			ms(of.cpu_ms, 2),
			`while ${count(least.standing)} do, ${ms(least.cpu_ms, 2)}`,
			ratioText(of.vs_least_standing),
		]),
		[
			`a purchase, handed in, after ${count(many.behind)}, CPU`,
			...[ms(many.cpu_ms), `after ${count(few.behind)}, ${ms(few.cpu_ms)}`],
			ratioText(purchases.many_vs_few.cpu),
		],
		[
			...["the same, time", ms(many.ms), `the same, ${ms(few.ms)}`],
			ratioText(purchases.many_vs_few.time),
		],
	];
}

function agentRows(agents: Report): Row[] {
	const row = (what: string, of: Report): Row => [
		...[what, `${of.one.per_second}/s`, `${of.two.per_second}/s`],
		`${ratioText(of.two_vs_one)} (${ratioText(of.least)} to ${ratioText(of.most)})`,
		`${ms(of.one.agent_cpu_ms, 2)}, with two ${ms(of.two.agent_cpu_ms, 2)}`,
		ratioText(of.agent_cpu_two_vs_one),
	];
	return [
		...(agents.held === undefined
			? []
			: [
					row(
						`each process of the agent held to ${agents.held_part_of_a_core * 100} % of a core`,
						agents.held,
					),
				]),
		row("as it comes, all on the same two cores", agents.free),
	];
}

function moduleRows(modules: Report): Row[] {
	const row = (what: string, of: Report): Row => [
		...[what, `${of.one.per_second}/s`, `${of.two.per_second}/s`],
		`${ratioText(of.two_vs_one)} (${ratioText(of.least)} to ${ratioText(of.most)})`,
		`${ms(of.one.module_cpu_ms, 2)}, with two ${ms(of.two.module_cpu_ms, 2)}`,
		ratioText(of.module_cpu_two_vs_one),
	];
	return [
		...(modules.held === undefined
			? []
			: [
					row(
						`each module held to ${modules.held_part_of_a_core * 100} % of a core`,
						modules.held,
					),
				]),
		row("as it comes, all on the same two cores", modules.free),
	];
}

function heapRows({ messages, establishments }: Report): Row[] {
	const row = (what: string, of: Report): Row => [
		`${of.done.toLocaleString("en")} ${what}`,
		`${of.bytes_each.toFixed(2)} bytes`,
		`${of.grown_kb.toFixed(0)} KB, on ${of.heap_mb.toFixed(0)} MB: ${of.is_flat ? "flat" : "**not flat**"}`,
	];
	return [
		row("messages of 256 bytes from module to module", messages),
		row("establishments, each closed again", establishments),
	];
}

function peerRows(peers: Report): Row[] {
	const figure = ({ us: each, tetrad_vs_it: ratio }: Report) =>
		`${us(each, each < 100 ? 1 : 0)}, ${ratioText(ratio)}`;
	return Object.values<Report>(peers).map((of) => [
		...[of.what, figure(of.establishment)],
		...[figure(of.there_and_back), figure(of.of_a_burst)],
	]);
}
