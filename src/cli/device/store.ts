import { resolve } from "node:path";
import { readDeviceFile } from "../../device/home/index.ts";
import {
	type AgentStorePlace,
	agentStorePlace,
	moveAgentStore,
} from "../../device/purse/index.ts";
import { TetradError } from "../../errors.ts";
import { plain, say, sayJson } from "../voice.ts";

export interface StoreFlags {
	readonly home: string;
	readonly databaseFile?: string;
	readonly databaseSynchronous?: true;
	readonly json?: true;
}

/** Says where an agent keeps what it knows of money and purchases, or moves that to PostgreSQL. */
export async function store(flags: StoreFlags): Promise<void> {
	const { home, databaseFile: file, databaseSynchronous, json } = flags;
	await readDeviceFile(home, "agent");
	if (file !== undefined)
		await moveAgentStore(home, {
			file: resolve(file),
			...(databaseSynchronous ? { synchronous: true } : {}),
		});
	else if (databaseSynchronous)
		throw new TetradError(
			"invalid-argument",
			"--database-synchronous goes with --database-file",
		);
	const place = await agentStorePlace(home);
	if (json) return sayJson({ home, ...asJson(place) });
	say(sentenceOf(place));
	if (file !== undefined)
		say("what was in the home stands aside there, and is read no more");
}

function asJson(place: AgentStorePlace): object {
	switch (place.kind) {
		case "home":
			return { store: "home", path: place.path, made: place.isMade };
		case "postgres": {
			const { namespace, database } = place;
			const { synchronous = false, ...address } = database;
			return { store: "postgres", namespace, synchronous, address };
		}
	}
}

function sentenceOf(place: AgentStorePlace): string {
	switch (place.kind) {
		case "home":
			return place.isMade
				? `the store is ${plain(place.path)}`
				: `there is no store yet; it will be ${plain(place.path)}`;
		case "postgres": {
			const { namespace, database } = place;
			const where =
				"file" in database
					? `the address is in ${plain(database.file)}`
					: `the address is in the variable ${database.env}`;
			const waits =
				database.synchronous === true
					? ", and its commits wait for a standby"
					: "";
			return `the store is in PostgreSQL, in the namespace ${namespace}; ${where}${waits}`;
		}
	}
}
