import assert from "node:assert/strict";
import { readFileSync } from "node:fs";
import { test } from "node:test";

const read = (path: string) =>
	readFileSync(new URL(`../${path}`, import.meta.url), "utf8");

interface Algorithm {
	readonly cpu_ms: Readonly<
		Record<"ours_warm" | "ours_cold" | "nested_tls" | "operations", number>
	>;
	readonly cpu_vs_nested_tls: number;
	readonly cpu_vs_nested_tls_cold: number;
	readonly cpu_vs_operations: number;
}

interface Cost {
	readonly cpu_ms: number;
	readonly swap_vs_payment: number;
	readonly per_second: number;
}

interface Deposits {
	readonly contestants: readonly {
		readonly database: string;
		readonly notes: number;
		readonly per_second: number;
	}[];
	readonly large_vs_small: Readonly<Record<string, number>>;
}

function requireRows(rows: readonly (readonly string[])[]): void {
	const page = read("docs/speed.md");
	for (const row of rows) {
		const text = `| ${row.join(" | ")} |`;
		assert.ok(page.includes(text), `docs/speed.md lacks the row ${text}`);
	}
}

test("the table of establishments says what the bench measured", () => {
	const { establish, machine } = JSON.parse(
		read("bench/results/establish.json"),
	);
	const { records } = JSON.parse(read("bench/results/records.json"));
	const p256: Algorithm = establish.algorithms["P-256"];
	const ed25519: Algorithm = establish.algorithms["Ed25519"];
	const ms = (value: number) => `${value.toFixed(1)} ms`;
	const rows = [
		...[["P-256", p256] as const, ["Ed25519", ed25519] as const].map(
			([name, { cpu_ms, cpu_vs_nested_tls }]) => [
				`establishment, ${name}`,
				ms(cpu_ms.ours_warm),
				`two nested TLS 1.3 sessions, ${ms(cpu_ms.nested_tls)}`,
				cpu_vs_nested_tls.toFixed(2),
			],
		),
		[
			"the same, P-256, chains never seen before",
			ms(p256.cpu_ms.ours_cold),
			`the same, ${ms(p256.cpu_ms.nested_tls)}`,
			p256.cpu_vs_nested_tls_cold.toFixed(2),
		],
		[
			"the same, P-256",
			ms(p256.cpu_ms.ours_warm),
			`its own cryptographic calls, one by one, ${ms(p256.cpu_ms.operations)}`,
			p256.cpu_vs_operations.toFixed(2),
		],
		[
			"a file over session 1",
			`${records.file_mb_per_s.ours.toFixed(0)} MB/s`,
			`TLS 1.3, ${records.file_mb_per_s.tls.toFixed(0)} MB/s`,
			records.file_vs_tls.toFixed(2),
		],
		[
			"256 bytes from module to module and back",
			`${records.ping_pong_cpu_us.ours.toFixed(0)} µs`,
			`nested TLS, ${records.ping_pong_cpu_us.nested_tls.toFixed(0)} µs`,
			records.ping_pong_cpu_vs_nested_tls.toFixed(2),
		],
	];
	requireRows(rows);
	const page = read("docs/speed.md");
	const { direct, crossed } = establish.bytes;
	for (const fact of [
		machine.cpu,
		`Node ${machine.node.slice(1)}`,
		`commit ${machine.commit}`,
		`${direct} and ${crossed} bytes`,
	])
		assert.ok(page.includes(fact), `docs/speed.md does not say ${fact}`);
});

test("the table of payments says what the bench measured", () => {
	const { payments, machine } = JSON.parse(read("bench/results/payments.json"));
	const { deposits }: { deposits: Deposits } = JSON.parse(
		read("bench/results/deposits.json"),
	);
	const { documents, together, alone }: Record<string, Cost> =
		payments.algorithms["P-256"];
	const ms = (value: number) => `${value.toFixed(2)} ms`;
	const swap = `a swap of one proof, ${ms(payments.swap.cpu_ms)}`;
	const row = (what: string, { cpu_ms, swap_vs_payment }: Cost) => [
		...[what, ms(cpu_ms), swap, (1 / swap_vs_payment).toFixed(2)],
	];
	assert.ok(documents && together && alone);
	const rate = (database: string, notes: number) =>
		deposits.contestants.find(
			(one) => one.database === database && one.notes === notes,
		)?.per_second;
	requireRows([
		row("a payment, what is signed and verified alone", documents),
		row("a whole payment, 64 at once", together),
		row("a whole payment, one at a time", alone),
		...["SQLite", "PostgreSQL"].map((database) => [
			`deposits on ${database}, 1,000,000 notes there`,
			`${rate(database, 1_000_000)}/s`,
			`with 10,000, ${rate(database, 10_000)}/s`,
			`${deposits.large_vs_small[database]?.toFixed(2)}`,
		]),
	]);
	const page = read("docs/speed.md");
	for (const fact of [
		`${together.per_second} payments a second`,
		`${ms(payments.swap.with_dleq_cpu_ms)} with`,
		`commit ${machine.commit}`,
	])
		assert.ok(page.includes(fact), `docs/speed.md does not say ${fact}`);
});

test("the table of purchases says what the bench measured", () => {
	const { purchases, machine } = JSON.parse(
		read("bench/results/purchases.json"),
	);
	const { standing, per_second, settled_ms, bytes, x402, large_file } =
		purchases;
	const ms = (value: number) => `${value.toFixed(1)} ms`;
	const row = (
		what: string,
		of: { ms: number; bare_ms: number; vs_bare: number },
	) => [
		...[what, ms(of.ms)],
		`its durable writes and round trips alone, ${ms(of.bare_ms)}`,
		of.vs_bare.toFixed(2),
	];
	requireRows([
		row("a purchase, until the key is there", standing.key),
		row("a purchase, until the goods are there, durable", standing.goods),
		[
			...["the same sale", ms(standing.goods.ms)],
			`x402 \`exact\` on a chain in memory, ${ms(x402.latency_ms)}`,
			(standing.goods.ms / x402.latency_ms).toFixed(2),
		],
		[
			"a file of 256 MiB, bought",
			`${large_file.mb_per_s.bought.toFixed(0)} MB/s`,
			`TLS 1.3 from file to file, ${large_file.mb_per_s.tls.toFixed(0)} MB/s`,
			large_file.vs_tls.toFixed(2),
		],
	]);
	const page = read("docs/speed.md");
	for (const fact of [
		`${per_second[1]} purchases a second by one buyer and ${per_second[64]} by 64`,
		`${purchases.cold_ms} ms cold`,
		`${bytes.standing} bytes on the network`,
		`${settled_ms.with_merchant} ms after the merchant`,
		`${settled_ms.with_issuer} ms after the issuer`,
		`commit ${machine.commit}`,
	])
		assert.ok(page.includes(fact), `docs/speed.md does not say ${fact}`);
});

test("the table of paid requests says what the bench measured", () => {
	const { paid, machine } = JSON.parse(read("bench/results/paid.json"));
	const { request, call } = paid;
	const ms = (value: number) => `${value.toFixed(1)} ms`;
	const row = (
		what: string,
		of: { ms: number; purchase_ms: number; vs_purchase: number },
	) => [
		...[what, ms(of.ms)],
		`the purchase that it contains, ${ms(of.purchase_ms)}`,
		of.vs_purchase.toFixed(2),
	];
	requireRows([
		row("a paid request, in a tetrad that stands", request.standing),
		row("a paid request, cold", request.cold),
		row("a paid call of a tool, in a tetrad that stands", call.standing),
		row("a paid call of a tool, cold", call.cold),
		[
			...["a paid request, in a tetrad that stands", ms(request.standing.ms)],
			`x402 \`exact\` on a chain in memory, ${ms(request.x402_exact_ms)}`,
			request.vs_x402_exact.toFixed(2),
		],
	]);
	const page = read("docs/speed.md");
	for (const fact of [
		`${paid.answer_bytes} bytes`,
		`the request takes ${ms(request.unpaid_ms)} and the call ${ms(call.unpaid_ms)}`,
		`commit ${machine.commit}`,
	])
		assert.ok(page.includes(fact), `docs/speed.md does not say ${fact}`);
});
