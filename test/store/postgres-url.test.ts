/* Addresses of servers of PostgreSQL, as libpq has them where we take them. */
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { MAX_HOSTS } from "../../src/store/limits.ts";
import { parsePostgresUrl } from "../../src/store/postgres-url.ts";

const places = (url: string) =>
	parsePostgresUrl(url).map(({ address, tlsHost }) =>
		"path" in address
			? address.path
			: `${address.host} ${address.port} ${tlsHost}`,
	);

describe("the address of a PostgreSQL server", () => {
	test("names one server, or several in their order, each with its port", () => {
		for (const [url, ...expected] of [
			["postgres://u@db.example/x", "db.example 5432 db.example"],
			["postgresql://u@[::1]:5433/x", "::1 5433 undefined"],
			["postgres:///x", "localhost 5432 undefined"],
			[
				"postgres://u@one.example:1,two.example,127.0.0.1:3/x?target_session_attrs=read-write",
				"one.example 1 one.example",
				"two.example 5432 two.example",
				"127.0.0.1 3 undefined",
			],
			[
				"postgres://u@[fe80::1]:1,two/x?sslmode=disable",
				"fe80::1 1 undefined",
				"two 5432 undefined",
			],
			["postgres://localhost:7/x?host=/a,/b", "/a/.s.PGSQL.7", "/b/.s.PGSQL.7"],
			[
				"postgres://localhost/x?host=%2Fa,%2Fb&port=1,2\n",
				"/a/.s.PGSQL.1",
				"/b/.s.PGSQL.2",
			],
		] as const)
			assert.deepEqual(places(url), expected, url);
	});

	test("says who asks once for all of them, and a sentence about one says no password", () => {
		const targets = parsePostgresUrl(
			"postgres://o%40x:g%2Cheim@one:1,two:2/led%20ger",
		);
		assert.equal(targets.length, 2);
		for (const { user, password, database, where } of targets) {
			assert.deepEqual(
				[user, password, database],
				["o@x", "g,heim", "led ger"],
			);
			assert.match(where, /at (one:1|two:2)$/);
		}
	});

	test("is refused with ports that do not belong to hosts, with what a store cannot do, and beyond the limit", () => {
		const hosts = (count: number) =>
			Array.from({ length: count }, (_, at) => `h${at}`).join();
		assert.equal(places(`postgres://${hosts(MAX_HOSTS)}/x`).length, MAX_HOSTS);
		for (const url of [
			`postgres://${hosts(MAX_HOSTS + 1)}/x`,
			"postgres://one,two,three/x?port=1,2",
			"postgres://one,two/x?port=1,x",
			"postgres://one/x?port=0",
			"postgres://one/x?port=65536",
			"postgres://one,,two/x",
			"postgres://one/x?host=/a,",
			"postgres://one,two:x/x",
			"postgres://one/x?target_session_attrs=standby",
			"postgres://one/x?sslmode=prefer",
			"mysql://one,two/x",
			"one,two",
		])
			assert.throws(() => parsePostgresUrl(url), { code: "invalid-argument" });
	});

	test("that says two things is refused: whichever was meant, the other could be taken", () => {
		for (const url of [
			"postgres://one/x?sslmode=verify-full&sslmode=disable",
			"postgres://one/x?host=/a&host=/b",
			"postgres://one.example/x?host=",
			"postgres://one:1,two:2,one:1/x",
			"postgres://one,one:5432/x",
			"postgres://localhost/x?host=/a,/a",
			"postgres://one/x#y",
		])
			assert.throws(
				() => parsePostgresUrl(url),
				{ code: "invalid-argument" },
				url,
			);
	});

	test("keeps a password with an @ or a comma, and says nothing of one that ends too early", () => {
		const [target] = parsePostgresUrl("postgres://u:a@b,c:1@one:7/x");
		assert.equal(target?.password, "a@b,c:1");
		assert.match(`${target?.where}`, /at one:7$/);
		for (const password of ["4711/secret", "4711?secret", "4711#secret"])
			assert.throws(
				() => parsePostgresUrl(`postgres://u:${password}@one/x`),
				(thrown: Error) =>
					/%2F/.test(thrown.message) && !/4711|secret/.test(thrown.message),
				password,
			);
	});

	test("is not taken where the environment asks for another kind of server", () => {
		const parse = (value: string) =>
			parsePostgresUrl("postgres://one/x", { PGTARGETSESSIONATTRS: value });
		for (const value of ["standby", "any", "read-write"])
			assert.throws(() => parse(value), {
				code: "invalid-argument",
				message: /PGTARGETSESSIONATTRS/,
			});
		assert.equal(parse("").length, 1);
	});
});
