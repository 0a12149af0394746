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

test("the README's table of speed says what the bench measured", () => {
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
	].map((cells) => `| ${cells.join(" | ")} |`);
	const readme = read("README.md");
	for (const row of rows)
		assert.ok(readme.includes(row), `the README lacks the row ${row}`);
	const { direct, crossed } = establish.bytes;
	for (const fact of [
		machine.cpu,
		`Node ${machine.node.slice(1)}`,
		`commit ${machine.commit}`,
		`${direct} and ${crossed} bytes`,
	])
		assert.ok(readme.includes(fact), `the README does not say ${fact}`);
});
