/* Errors name the message that is wrong as the code and the documents do. */
import assert from "node:assert/strict";
import { test } from "node:test";
import * as issuers from "../../src/money/documents/messages.ts";
import * as tetrads from "../../src/tetrad/messages.ts";
import * as agents from "../../src/trade/documents/agent-messages.ts";
import * as modules from "../../src/trade/documents/module-messages.ts";
import type { Structure } from "../../src/wire/index.ts";

const isStructure = (value: unknown): value is Structure<unknown> =>
	typeof value === "object" && value !== null && "maxBytes" in value;

/** Structures by what the code calls them, in words. */
function namedIn(exported: object): readonly (readonly [string, string])[] {
	return Object.entries(exported).flatMap(([name, value]) => {
		if (isStructure(value))
			return [[name.toLowerCase().replaceAll("_", " "), value.name] as const];
		if (typeof value !== "object" || value === null) return [];
		return Object.entries(value).flatMap(([key, kind]) => {
			const { body } = (kind ?? {}) as { readonly body?: unknown };
			return isStructure(body) ? [[words(key), body.name] as const] : [];
		});
	});
}

const words = (name: string) =>
	name.replaceAll(/[A-Z]/g, (letter) => ` ${letter.toLowerCase()}`);

for (const [what, exported] of [
	["between the ends of a tetrad", tetrads],
	["between a module and its issuer, and about money", issuers],
	["between agents", agents],
	["between the modules of a purchase", modules],
] as const)
	test(`messages ${what} are called in errors what they are called elsewhere`, () => {
		const named = namedIn(exported);
		assert.ok(named.length > 8);
		for (const [name, said] of named)
			assert.equal(words(said).replaceAll(/ +/g, " ").trim(), name);
	});
