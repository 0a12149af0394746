/*
 * What the stores of a purse, an issuer, an agent and a play mint are made of, as text: the tables of the newest
 * version, and what leads to each version. `npx node test/write-down.ts` writes it into
 * tables.txt, which is right only together with a new version of the schema.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { PLAY_MINT_SCHEMA } from "../../src/device/mint/mint-table.ts";
import type { MigrationStep, Schema } from "../../src/machine/index.ts";
import { LEDGER_SCHEMA, purseTables } from "../../src/money/index.ts";
import { AGENT_SCHEMA } from "../../src/trade/records/index.ts";
import { hex } from "../../src/wire/index.ts";

const FILE = new URL("tables.txt", import.meta.url);

type AnyTable = Schema["tables"][number];

export const SCHEMAS: readonly Schema[] = [
	AGENT_SCHEMA,
	LEDGER_SCHEMA,
	purseTables.PURSE_SCHEMA,
	PLAY_MINT_SCHEMA,
];

function tableText({ name, columns, key, indexes }: AnyTable): string {
	const lines = [
		...Object.entries(columns).map(([column, type]) => `${column} ${type}`),
		`key ${key.join(", ")}`,
		...Object.entries(indexes).map(
			([index, of]) => `index ${index}: ${of.join(", ")}`,
		),
	];
	return [name, ...lines.map((line) => `\t${line}`)].join("\n");
}

function stepText(step: MigrationStep): string {
	switch (step.kind) {
		case "add-table":
		case "drop-table":
			return `${step.kind} ${tableText(step.table)}`;
		case "add-column": {
			const { value } = step;
			const cell = value instanceof Uint8Array ? hex(value) : `${value}`;
			return `${step.kind} ${step.table}.${step.column} ${step.type} = "${cell}"`;
		}
		case "drop-column":
			return `${step.kind} ${step.table}.${step.column} ${step.type}`;
		case "add-index":
		case "drop-index":
			return `${step.kind} ${step.table} ${step.index}: ${step.columns.join(", ")}`;
		case "rewrite":
			return `${step.kind} ${tableText(step.from)}\ninto ${tableText(step.into)}`;
	}
}

export function schemaText({ name, tables, migrations }: Schema): string {
	return [
		`schema ${name}`,
		...tables.map(tableText),
		...migrations.flatMap(({ to, steps }) => [
			`version ${to}`,
			...steps.map(stepText),
		]),
	].join("\n");
}

export const writtenDown = (): string => readFileSync(FILE, "utf8");

export async function writeDown(): Promise<void> {
	writeFileSync(FILE, `${SCHEMAS.map(schemaText).join("\n\n")}\n`);
}
