/* What the list of a server's tools says of each: the schema of its results, and its price. */
import type { JsonSchemaValidator } from "@modelcontextprotocol/server";
import { AjvJsonSchemaValidator } from "@modelcontextprotocol/server/validators/ajv";
import { z } from "zod";
import { TetradError } from "../errors.ts";
import { MAX_KNOWN_TOOLS, MAX_PAGES } from "./limits.ts";
import { type ListedPrice, parseListedPrice } from "./listed-price.ts";
import { PRICE } from "./meta.ts";

/** A tool, as its server has listed it. */
export interface KnownTool {
	readonly price: ListedPrice | undefined;
	/** Holds structured content to the schema of the tool's results, where it has one. */
	readonly validate: JsonSchemaValidator<unknown> | undefined;
}

/** Asks for one page of a list. */
export type ListPage = (cursor: string | undefined) => Promise<unknown>;

const pageForm = z.looseObject({
	tools: z.array(
		z.looseObject({
			name: z.string(),
			outputSchema: z.record(z.string(), z.unknown()).optional(),
			_meta: z.record(z.string(), z.unknown()).optional(),
		}),
	),
	nextCursor: z.string().optional(),
});

type ListedTool = z.infer<typeof pageForm>["tools"][number];

const UNLISTED: KnownTool = { price: undefined, validate: undefined };

/** Remembers what was listed, and asks for the list where a tool is not known. */
export class KnownTools {
	readonly #list: ListPage;
	readonly #tools = new Map<string, ListedTool>();
	readonly #validator = new AjvJsonSchemaValidator();

	constructor(list: ListPage) {
		this.#list = list;
	}

	/** Takes note of a page of a list. What is none is left alone. Returns where the next one begins. */
	learn(page: unknown): string | undefined {
		const { tools = [], nextCursor } = pageForm.safeParse(page).data ?? {};
		for (const tool of tools) {
			this.#tools.delete(tool.name);
			this.#tools.set(tool.name, tool);
		}
		for (const oldest of this.#tools.keys())
			if (this.#tools.size > MAX_KNOWN_TOOLS) this.#tools.delete(oldest);
		return nextCursor;
	}

	/** What is known of a tool. Rejects with `malformed` for a schema that is none, and as the list does. */
	async of(name: string): Promise<KnownTool> {
		if (!this.#tools.has(name)) await this.#listAll();
		const tool = this.#tools.get(name);
		if (tool === undefined) return UNLISTED;
		const { outputSchema, _meta } = tool;
		return {
			price: parseListedPrice(_meta?.[PRICE]),
			validate: outputSchema && this.#compile(outputSchema),
		};
	}

	async #listAll(): Promise<void> {
		let cursor: string | undefined;
		for (let pages = 0; pages < MAX_PAGES; pages++) {
			cursor = this.learn(await this.#list(cursor));
			if (cursor === undefined) return;
		}
	}

	#compile(schema: Record<string, unknown>): JsonSchemaValidator<unknown> {
		try {
			return this.#validator.getValidator(schema);
		} catch (cause) {
			throw new TetradError(
				"malformed",
				"nothing was paid: the schema that the tool's results are said to have is none",
				{ cause },
			);
		}
	}
}
