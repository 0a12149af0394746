/* The small changes of a source that its tests should notice: each by itself, by where it is and what stands there then. */
import { parseAst } from "rolldown/parseAst";

/** One change. Offsets are in characters. */
export interface Mutant {
	readonly file: string;
	readonly line: number;
	readonly start: number;
	readonly end: number;
	readonly replacement: string;
	/** Which kind of change it is. */
	readonly operator: string;
	/**
	 * A place that is reached whenever what is changed is: where it begins, or, of an operator, its
	 * left side. V8 counts `&&` and `||` to their right side, which may be left out.
	 */
	readonly reachedAt: number;
}

interface Node {
	readonly type: string;
	readonly start: number;
	readonly end: number;
	readonly [key: string]: unknown;
}

const isNode = (value: unknown): value is Node =>
	typeof (value as Node | null)?.type === "string";

const OTHER_OPERATOR: Readonly<Record<string, readonly [string, string]>> = {
	"<": ["<=", "boundary"],
	"<=": ["<", "boundary"],
	">": [">=", "boundary"],
	">=": [">", "boundary"],
	"===": ["!==", "equality"],
	"!==": ["===", "equality"],
	"+": ["-", "arithmetic"],
	"-": ["+", "arithmetic"],
	"*": ["/", "arithmetic"],
	"/": ["*", "arithmetic"],
	"%": ["*", "arithmetic"],
	"&&": ["||", "logic"],
	"||": ["&&", "logic"],
};

/** All mutants of a source. What only types say has none, nor have the texts of messages. */
export function mutantsOf(file: string, source: string): Mutant[] {
	const found: Mutant[] = [];
	const add = (
		operator: string,
		{ start, end }: { readonly start: number; readonly end: number },
		replacement: string,
		reachedAt = start,
	): void => {
		const line = source.slice(0, start).split("\n").length;
		const at = { file, line, start, end, reachedAt };
		found.push({ ...at, replacement, operator });
	};
	const text = ({ start, end }: Node) => source.slice(start, end);
	const negated = (test: unknown): void => {
		if (isNode(test)) add("condition", test, `!(${text(test)})`);
	};
	const walk = (node: Node): void => {
		if (node.type.startsWith("TS") && !isNode(node["expression"])) return;
		switch (node.type) {
			case "ImportDeclaration":
			case "ExportAllDeclaration":
				return;
			case "IfStatement":
			case "ConditionalExpression":
			case "WhileStatement":
				negated(node["test"]);
				break;
			case "BinaryExpression":
			case "LogicalExpression": {
				const [left, right] = [node["left"] as Node, node["right"] as Node];
				const other = OTHER_OPERATOR[String(node["operator"])];
				const isOfText = [left, right].some(
					(side) =>
						side.type === "TemplateLiteral" ||
						(side.type === "Literal" && typeof side["value"] === "string"),
				);
				if (other === undefined || (isOfText && other[1] === "arithmetic"))
					break;
				const between = source.slice(left.end, right.start);
				const at = left.end + between.indexOf(String(node["operator"]));
				const end = at + String(node["operator"]).length;
				add(other[1], { start: at, end }, other[0], left.start);
				break;
			}
			case "ExpressionStatement": {
				const expression = node["expression"] as Node;
				const isCall = ["CallExpression", "AssignmentExpression"].includes(
					expression.type,
				);
				if (isCall || expression.type === "UpdateExpression")
					if (!text(expression).startsWith("super("))
						add("statement", node, ";");
				break;
			}
			case "ThrowStatement":
				add("refusal", node, ";");
				break;
			case "ReturnStatement":
				if (node["argument"] === null) add("statement", node, ";");
				break;
			case "NewExpression":
				if (text(node).startsWith("new TetradError(")) {
					// The code of an error is behaviour; what it says is not.
					const [code] = node["arguments"] as Node[];
					if (code !== undefined) walk(code);
					return;
				}
				break;
			case "Literal":
				literal(node);
				return;
			case "Property":
			case "PropertyDefinition":
			case "MethodDefinition":
				if (node["computed"] === true && isNode(node["key"])) walk(node["key"]);
				if (isNode(node["value"])) walk(node["value"]);
				return;
		}
		for (const [key, value] of Object.entries(node)) {
			if (key === "typeAnnotation" || key === "typeArguments") continue;
			for (const inner of Array.isArray(value) ? value : [value])
				if (isNode(inner)) walk(inner);
		}
	};
	const literal = (node: Node): void => {
		const { value } = node;
		if (typeof value === "boolean") add("literal", node, String(!value));
		else if (typeof value === "bigint") add("literal", node, `${value + 1n}n`);
		else if (typeof value === "number") add("literal", node, `${value + 1}`);
		else if (typeof value === "string" && /^[a-z]+(-[a-z]+)*$/.test(value))
			add("literal", node, '"mutated"');
	};
	walk(parseAst(source, { lang: "ts" }) as unknown as Node);
	return found;
}

/** The source with one of them in it. */
export function mutated(
	source: string,
	{ start, end, replacement }: Mutant,
): string {
	return source.slice(0, start) + replacement + source.slice(end);
}
