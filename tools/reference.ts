/*
 * The pages of docs/reference that are made from the code: every command with its flags, every
 * setting, and what an issuer's operators can ask over HTTP. test/reference.process.test.ts holds the pages
 * to the code, and `npx node tools/reference.ts` renews them.
 */
import { mkdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { fileURLToPath } from "node:url";
import { Command, type Option } from "commander";
import { z } from "zod";
import { GROUPS } from "../src/attack/index.ts";
import { SUITE } from "../src/attack/suite/index.ts";
import { COMMANDS } from "../src/commands.ts";
import { operatorApi } from "../src/device/issuer/http/routes.ts";
import { LedgerOperator } from "../src/device/issuer/index.ts";
import { SIDE_FILE_SCHEMA } from "../src/device/side/index.ts";

const ROOT = fileURLToPath(new URL("..", import.meta.url));

/** Where the pages stand. */
export const REFERENCE: string = join(ROOT, "docs", "reference");

const MADE = (from: string): string =>
	`<!-- Made from ${from}; renew it with: npx node tools/reference.ts -->\n\n`;

/** Every page, by its name. */
export async function makePages(): Promise<ReadonlyMap<string, string>> {
	return new Map([
		["commands.md", await commandPage()],
		["configuration.md", configurationPage()],
		["operators-http.md", await httpPage()],
		["attacks.md", attackPage()],
	]);
}

async function commandPage(): Promise<string> {
	const program = new Command("tetrad");
	const parts = [
		`${MADE("src/commands.ts")}# Commands\n\nEach has \`--help\` with examples, and \`--json\` where it reports. Exit codes: 0 done, 1 refused or failed, 2 wrong usage.\n`,
	];
	for (const { name, description, load } of COMMANDS) {
		const command = program.command(name).description(description);
		(await load())(command);
		parts.push(...sections(command, `tetrad ${name}`, 2));
	}
	return parts.join("\n");
}

function attackPage(): string {
	const parts = [
		`${MADE("src/attack")}# Attacks\n\nWhat \`tetrad attack\` tries, in this order: [attack a deployment](../attack.md) says how. \`tetrad attack --only NAME\` tries one.\n`,
	];
	for (const group of GROUPS) {
		const rows = SUITE.filter((attack) => attack.group === group).map(
			({ name, tried, reference }) => [`\`${name}\``, tried, reference],
		);
		if (rows.length === 0) continue;
		const head = ["attack", "what it tries", "reference"];
		parts.push(`## ${group}\n`, ...table(rows, head));
	}
	return parts.join("\n");
}

function sections(command: Command, name: string, depth: number): string[] {
	const groups = command.commands.filter((sub) => sub.name() !== "help");
	const words = command.registeredArguments.map((argument) =>
		argument.required ? `<${argument.name()}>` : `[${argument.name()}]`,
	);
	return [
		`${"#".repeat(depth)} ${name}\n`,
		`${sentence(command.description())}\n`,
		...(groups.length === 0
			? [`\`\`\`\n${[name, ...words, "[options]"].join(" ")}\n\`\`\`\n`]
			: []),
		...table(
			command.registeredArguments.map((argument) => [
				`\`${argument.name()}\``,
				argument.description,
			]),
		),
		...table(
			command.options
				.filter(({ hidden }) => !hidden)
				.map((option) => [`\`${option.flags}\``, aboutOption(option)]),
		),
		...groups.flatMap((sub) =>
			sections(sub, `${name} ${sub.name()}`, depth + 1),
		),
	];
}

function aboutOption(option: Option): string {
	const { description, mandatory, argChoices, defaultValue } = option;
	const byDefault =
		option.defaultValueDescription ??
		(typeof defaultValue === "string" || typeof defaultValue === "number"
			? String(defaultValue)
			: undefined);
	return [
		description,
		...(argChoices === undefined ? [] : [`one of ${argChoices.join(", ")}`]),
		...(byDefault === undefined ? [] : [`unless given: ${byDefault}`]),
		...(mandatory ? ["has to be given"] : []),
	].join("; ");
}

/** A JSON schema, as far as pages say of it. */
interface Schema {
	readonly description?: string;
	readonly type?: string | readonly string[];
	readonly properties?: Readonly<Record<string, Schema>>;
	readonly items?: Schema;
	readonly required?: readonly string[];
	readonly enum?: readonly unknown[];
	readonly const?: unknown;
}

function configurationPage(): string {
	const schema = z.toJSONSchema(SIDE_FILE_SCHEMA, {
		unrepresentable: "any",
	}) as Schema;
	const { properties = {} } = schema;
	const isTable = ({ properties }: Schema) => properties !== undefined;
	const isList = ({ items }: Schema) => items !== undefined;
	const plain = Object.entries(properties).filter(
		([, of]) => !isTable(of) && !isList(of),
	);
	const lists = Object.entries(properties).filter(([, of]) => isList(of));
	const tables = Object.entries(properties).filter(([, of]) => isTable(of));
	return [
		`${MADE("src/device/side/side-file.ts")}# Configuration\n`,
		"A side, which is an agent and its module, has a `tetrad.toml` in its folder. A value is found in this order: the flag of the command, the environment variable, `tetrad.toml` of the side, `tetrad/tetrad.toml` in the user's configuration folder (`$XDG_CONFIG_HOME`, or `~/.config`), and what holds unless something is said. `tetrad config` shows what holds, and from where. Paths are relative to the file that they stand in. A key that is not here is refused.\n",
		"The side itself is the one of `--home`, or of `TETRAD_HOME`, or the working folder, or `home` in the user's file.\n",
		...table(
			plain.map(([name, of]) => [`\`${name}\``, of.description ?? ""]),
			["key", "what it says"],
		),
		...tables.flatMap(([name, of]) => [
			`## [${name}]\n`,
			`${sentence(of.description ?? name)}\n`,
			...table(
				Object.entries(of.properties ?? {}).map(([key, { description }]) => [
					`\`${key}\``,
					`\`TETRAD_${`${name}_${key}`.toUpperCase().replaceAll("-", "_")}\``,
					description ?? "",
				]),
				["key", "environment variable", "what it says"],
			),
		]),
		...lists.flatMap(([name, of]) => [
			`## [[${name}]]\n`,
			`${sentence(`${of.description ?? name}; once for each, and no environment variable stands for any of it`)}\n`,
			...table(
				Object.entries(of.items?.properties ?? {}).map(
					([key, { description }]) => [`\`${key}\``, description ?? ""],
				),
				["key", "what it says"],
			),
		]),
	].join("\n");
}

/** An OpenAPI document, as far as the page says of it. */
interface OpenApi {
	readonly paths: Readonly<Record<string, Readonly<Record<string, Operation>>>>;
}

interface Operation {
	readonly summary?: string;
	readonly description?: string;
	readonly parameters?: readonly {
		readonly name: string;
		readonly in: string;
		readonly required?: boolean;
		readonly description?: string;
		readonly schema?: Schema;
	}[];
	readonly requestBody?: {
		readonly content: Readonly<Record<string, { readonly schema: Schema }>>;
	};
	readonly responses: Readonly<
		Record<string, { readonly description: string }>
	>;
}

async function httpPage(): Promise<string> {
	const api = operatorApi({
		// The description needs nobody to answer.
		operator: Object.create(LedgerOperator.prototype),
		token: "none",
		isPlay: false,
	});
	const answer = await api.request("/openapi.json");
	const { paths } = (await answer.json()) as OpenApi;
	const routes = Object.entries(paths).flatMap(([path, methods]) =>
		Object.entries(methods).map(([method, operation]) => ({
			title: `${method.toUpperCase()} ${path}`,
			operation,
		})),
	);
	return [
		`${MADE("src/device/issuer/http/routes.ts")}# The HTTP API of an issuer's operators\n`,
		"`tetrad issuer run --http 127.0.0.1:7180` serves it; the whole description, with every form, is at `/openapi.json`. Requests carry `Authorization: Bearer …` with the token that stands in `operator.token` of the issuer's home. Bodies are JSON in UTF-8; what went wrong comes as RFC 9457 has it.\n",
		...routes.flatMap(({ title, operation }) => [
			`## ${title.replaceAll(/[{}]/g, (brace) => `\\${brace}`)}\n`,
			`${sentence(operation.summary ?? operation.description ?? "")}\n`,
			...table(
				(operation.parameters ?? []).map(
					({ name, in: where, description, schema }) => [
						`\`${name}\``,
						where,
						description ?? schema?.description ?? "",
					],
				),
				["parameter", "in", "what it is"],
			),
			...table(
				fieldsOf(operation).map(([name, { description, type }]) => [
					`\`${name}\``,
					String(type ?? ""),
					description ?? "",
				]),
				["in the body", "type", "what it is"],
			),
			...table(
				Object.entries(operation.responses).map(([status, { description }]) => [
					status,
					description,
				]),
				["answer", "what it says"],
			),
		]),
	].join("\n");
}

function fieldsOf({ requestBody }: Operation): [string, Schema][] {
	const schema = requestBody?.content["application/json"]?.schema;
	return Object.entries(schema?.properties ?? {});
}

function table(
	rows: readonly (readonly string[])[],
	head: readonly string[] = ["", ""],
): string[] {
	if (rows.length === 0) return [];
	const line = (cells: readonly string[]) =>
		`| ${cells
			.map((cell) =>
				cell
					.replaceAll("|", "\\|")
					.replaceAll("<", "&lt;")
					.replaceAll(/`([^`]*)`/g, (code) => code.replaceAll("&lt;", "<")),
			)
			.join(" | ")} |`;
	return [
		`${[line(head), line(head.map(() => "---")), ...rows.map(line)].join("\n")}\n`,
	];
}

function sentence(text: string): string {
	const capital = text.charAt(0).toUpperCase() + text.slice(1);
	return text === "" || /[.!?]$/.test(text) ? capital : `${capital}.`;
}

if (import.meta.main) {
	mkdirSync(REFERENCE, { recursive: true });
	for (const [name, text] of await makePages())
		writeFileSync(join(REFERENCE, name), text);
}
