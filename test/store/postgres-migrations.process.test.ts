import assert from "node:assert/strict";
import { after, before, describe, test } from "node:test";
import { rewrite, schema } from "../../src/machine/index.ts";
import { NO_POSTGRES, PostgresServer } from "../support/postgres.ts";
import { TroubledDisk } from "../support/troubled-disk.ts";
import {
	type Copies,
	contents,
	debtsFirst,
	debtsThird,
	diaryFirst,
	diaryFourth,
	expected,
	fill,
	manyRows,
	migrationContract,
	unchanged,
	VERSIONS,
} from "./migration-contract.ts";
import { Script } from "./script.ts";
import { openSchema, type Place } from "./support.ts";

const skip = NO_POSTGRES;
let disk: TroubledDisk;
let server: PostgresServer;
before(async () => {
	if (skip !== false) return;
	disk = await TroubledDisk.make();
	server = await PostgresServer.start({ env: disk.env("/base/") });
});
after(async () => {
	await server?.[Symbol.asyncDispose]();
	await disk?.[Symbol.asyncDispose]();
});

let namespaces = 0;
function nameOf(number: number): string {
	return `m_${[...`${number}`].map((digit) => "abcdefghij"[Number(digit)]).join("")}`;
}
function make(): Extract<Place, { kind: "postgres" }> {
	return {
		kind: "postgres",
		url: server.url(),
		namespace: nameOf(++namespaces),
	};
}

function namespaceOf(place: Place): string {
	assert.ok(place.kind === "postgres");
	return place.namespace;
}

const copies: Copies = {
	async list(place) {
		const names = await server.sql(
			`SELECT nspname FROM pg_namespace WHERE nspname LIKE '${namespaceOf(place)}:%' ORDER BY nspname`,
		);
		return names.split("\n").filter((name) => name !== "");
	},
	async occupy(place) {
		const name = `"${namespaceOf(place)}:version-1"`;
		await server.sql(
			`CREATE SCHEMA ${name}; CREATE TABLE ${name}.notes AS SELECT 'dear diary'`,
		);
	},
	async isOccupied(place) {
		const name = `"${namespaceOf(place)}:version-1"`;
		const found = await server.sql(`SELECT * FROM ${name}.notes`);
		const tables = await server.sql(
			`SELECT count(*) FROM pg_class WHERE relnamespace = '${name}'::regnamespace`,
		);
		return found === "dear diary" && tables === "1";
	},
	async restore(_, copy) {
		const place = make();
		await server.sql(`ALTER SCHEMA "${copy}" RENAME TO "${place.namespace}"`);
		return place;
	},
};

migrationContract("PostgreSQL", {
	make,
	copies,
	runs: 15,
	skip,
	async forget(place, name) {
		await server.sql(
			`DELETE FROM "${namespaceOf(place)}"."store:meta" WHERE name = '${name}'`,
		);
	},
});

const ROWS = manyRows(700);

async function filled(rows = ROWS) {
	const place = make();
	await using store = await openSchema(place, VERSIONS[1]);
	await fill(store, rows);
	return place;
}

const isThereStill = async (place: Place, rows = ROWS) => {
	await using store = await openSchema(place, VERSIONS[1]);
	assert.deepEqual(
		await contents(store, debtsFirst, diaryFirst),
		unchanged(rows),
	);
};
const isBroughtOver = async (place: Place, rows = ROWS) => {
	await using store = await openSchema(place, VERSIONS[4]);
	assert.deepEqual(
		await contents(store, debtsThird, diaryFourth),
		expected(rows),
	);
};

/** Version 4 on the way, and then one more step, at whose nth row something happens. */
function interrupted(at: number, what: () => void) {
	const { migrations, tables } = VERSIONS[4];
	let rows = 0;
	const step = rewrite(diaryFourth, diaryFourth, (row) => {
		if (++rows === at) what();
		return row;
	});
	return schema("debts", tables, ...migrations, { to: 5, steps: [step] });
}

describe("PostgreSQL store: a migration that ends early", { skip }, () => {
	for (const at of [1, 350, 700])
		test(`when the server is killed at row ${at}, everything is as it was, and the next open goes on`, async () => {
			const place = await filled();
			const killing = interrupted(at, () => void server.stop("SIGKILL"));
			await assert.rejects(openSchema(place, killing), {
				code: "store-failed",
			});
			await server.stop("SIGKILL");
			await server.restart();
			assert.deepEqual(await copies.list(place), []);
			await isThereStill(place);
			await isBroughtOver(place);
			assert.equal((await copies.list(place)).length, 1);
		});

	test("when its process is killed, everything is as it was, and the next open goes on", async () => {
		const place = await filled();
		const contract = new URL("migration-contract.ts", import.meta.url).href;
		await using script = new Script(
			place,
			`
			const { schema, rewrite } = await import(${JSON.stringify(new URL("../../src/machine/index.ts", import.meta.url).href)});
			const { VERSIONS, diaryFourth } = await import(${JSON.stringify(contract)});
			const step = rewrite(diaryFourth, diaryFourth, (row) => {
				if (row.number === 400n) process.kill(process.pid, "SIGKILL");
				return row;
			});
			const { tables, migrations } = VERSIONS[4];
			await support.openSchema(place, schema("debts", tables, ...migrations, { to: 5, steps: [step] }));
			say("opened");`,
		);
		await script.exited;
		assert.deepEqual(script.lines, [], script.stderr);
		assert.deepEqual(await copies.list(place), []);
		await isThereStill(place);
		await isBroughtOver(place);
	});

	test("when there is no room it is store-full and nothing is changed; with room it goes on", async () => {
		const rows = manyRows(100);
		const large = {
			...rows,
			debts: rows.debts.map((row, i) => ({
				...row,
				paper: new Uint8Array(20_000).map((_, at) => (at * at + i) % 251),
			})),
		};
		const place = await filled(large);
		await disk.make("full");
		try {
			await assert.rejects(openSchema(place, VERSIONS[4]), {
				code: "store-full",
				message: /no room .*nothing was written/,
			});
		} finally {
			await disk.end("full");
		}
		assert.deepEqual(await copies.list(place), []);
		await isThereStill(place, large);
		await isBroughtOver(place, large);
	});
});

describe("PostgreSQL store: who may make the copy", { skip }, () => {
	test("a role that may make no namespace is told which one to make for it, and takes an empty one", async () => {
		const { namespace } = make();
		await server.sql(`CREATE ROLE tenant LOGIN`);
		await server.sql(`CREATE SCHEMA ${namespace} AUTHORIZATION tenant`);
		const url = server.url("postgres", "tenant");
		const place = { kind: "postgres", url, namespace } as const;
		{
			await using store = await openSchema(place, VERSIONS[1]);
			await fill(store, ROWS);
		}
		await assert.rejects(openSchema(place, VERSIONS[4]), {
			code: "store-failed",
			message: new RegExp(`CREATE SCHEMA "${namespace}:version-1"`),
		});
		await isThereStill(place);
		await server.sql(
			`CREATE SCHEMA "${namespace}:version-1" AUTHORIZATION tenant`,
		);
		await isBroughtOver(place);
		const copied = await server.sql(
			`SELECT count(*) FROM "${namespace}:version-1".debts`,
		);
		assert.equal(copied, `${ROWS.debts.length}`);
	});
});

test("nobody else has the tables meanwhile", { skip }, async () => {
	const place = await filled(manyRows(2));
	let locks = "";
	// Of a table that the migration leaves alone.
	const step = rewrite(diaryFirst, diaryFirst, (row) => {
		locks = server.sqlNow(
			`SELECT count(*) FROM pg_locks WHERE mode = 'AccessExclusiveLock' AND relation = '"${place.namespace}".debts'::regclass`,
		);
		return row;
	});
	const looking = schema("debts", VERSIONS[1].tables, { to: 2, steps: [step] });
	await (await openSchema(place, looking))[Symbol.asyncDispose]();
	assert.equal(locks, "1");
});
