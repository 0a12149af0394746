/*
 * Which blocks of `src` are reached, at the cost of one look into an array each time: a statement
 * is put at the beginning of each block while a module is loaded. Nothing is written anywhere.
 * This has to be imported before anything of `src` is.
 */
import { readFileSync } from "node:fs";
import { registerHooks } from "node:module";
import { parseAst } from "rolldown/parseAst";

const MOST_BLOCKS = 2 ** 17;
const reached = new Uint8Array(MOST_BLOCKS);
let fresh = 0;
let count = 0;

const first = (block: number): boolean => {
	reached[block] = 1;
	fresh++;
	return true;
};
Object.assign(globalThis, {
	blocksOfTetrad: reached,
	firstTimeInTetrad: first,
});

/** How many blocks were reached for the first time since this was asked. */
export function freshBlocks(): number {
	const were = fresh;
	fresh = 0;
	return were;
}

/** As if none had been reached yet. */
export function forgetBlocks(): void {
	reached.fill(0);
	fresh = 0;
}

/** A one for each block that was reached since they were forgotten, of all that were loaded. */
export function reachedBlocks(): Uint8Array {
	return reached.slice(0, count);
}

/** As much of a node of a syntax tree as is looked at here. */
interface Node {
	readonly type: string;
	readonly start: number;
	readonly end: number;
	readonly [key: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
	typeof (value as Node | null)?.type === "string";

/** What stands in the place of a source, with its lines as they were. */
function withCounters(source: string): string {
	const inserted: [at: number, text: string][] = [];
	const next = () => {
		if (count === MOST_BLOCKS) throw new Error("there are too many blocks");
		return count++;
	};
	const asStatement = () => {
		const block = next();
		return `if(!blocksOfTetrad[${block}])firstTimeInTetrad(${block});`;
	};
	const asExpression = (node: unknown) => {
		if (!isNode(node)) return;
		const block = next();
		inserted.push(
			[node.start, `(blocksOfTetrad[${block}]||firstTimeInTetrad(${block}),(`],
			[node.end, "))"],
		);
	};
	const asBody = (node: unknown) => {
		if (!isNode(node) || node.type === "BlockStatement") return;
		inserted.push([node.start, `{${asStatement()}`], [node.end, "}"]);
	};
	const walk = (node: Node): void => {
		switch (node.type) {
			case "BlockStatement":
				inserted.push([node.start + 1, asStatement()]);
				break;
			case "ArrowFunctionExpression":
				if (isNode(node["body"]) && node["body"].type !== "BlockStatement")
					asExpression(node["body"]);
				break;
			case "ConditionalExpression":
				asExpression(node["consequent"]);
				asExpression(node["alternate"]);
				break;
			case "LogicalExpression":
				asExpression(node["right"]);
				break;
			case "IfStatement":
				asBody(node["consequent"]);
				asBody(node["alternate"]);
				break;
			case "ForStatement":
			case "ForOfStatement":
			case "WhileStatement":
				asBody(node["body"]);
				break;
			case "SwitchCase": {
				const [statement] = node["consequent"] as Node[];
				if (statement !== undefined)
					inserted.push([statement.start, asStatement()]);
				break;
			}
		}
		for (const value of Object.values(node))
			for (const inner of Array.isArray(value) ? value : [value])
				if (isNode(inner)) walk(inner);
	};
	walk(parseAst(source, { lang: "ts" }) as unknown as Node);
	// What begins further out is put in first, and what ends further in.
	const order = inserted.map(([at, text], index) => ({ at, text, index }));
	order.sort((a, b) => {
		if (a.at !== b.at) return a.at - b.at;
		const [endsA, endsB] = [isEnd(a.text), isEnd(b.text)];
		if (endsA !== endsB) return endsA ? -1 : 1;
		return endsA ? b.index - a.index : a.index - b.index;
	});
	let at = 0;
	let out = "";
	for (const { at: to, text } of order) {
		out += source.slice(at, to) + text;
		at = to;
	}
	return out + source.slice(at);
}

const isEnd = (text: string): boolean => text === "))" || text === "}";

const { href: SOURCES } = new URL("../src/", import.meta.url);

registerHooks({
	load(url, context, next) {
		const [file = ""] = url.split("?");
		if (!file.startsWith(SOURCES) || !file.endsWith(".ts"))
			return next(url, context);
		return {
			format: "module-typescript",
			source: withCounters(readFileSync(new URL(file), "utf8")),
			shortCircuit: true,
		};
	},
});
