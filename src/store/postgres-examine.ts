/* How the servers are that a store may be on, for whoever looks after them. */
import { TetradError } from "../errors.ts";
import type { PostgresStoreOptions } from "./postgres.ts";
import {
	type Demands,
	DURABLE,
	IsStandby,
	tryServer,
} from "./postgres-servers.ts";
import { type PostgresTarget, parsePostgresUrl } from "./postgres-url.ts";

/** Of each server of an address, in its order. */
export type PostgresExamined = readonly ServerExamined[];

type ServerExamined = { readonly where: string } & (
	| {
			/** A store would take it. */
			readonly kind: "taken";
			/** Standbys that its commits wait for. */
			readonly standbys: number;
	  }
	| { readonly kind: "standby" }
	| { readonly kind: "refused"; readonly why: string }
);

type ExamineOptions = Pick<
	PostgresStoreOptions,
	"url" | "synchronous" | "memory" | "unsafeServerWithoutFsync"
>;

/** What `examinePostgres` does, once what talks to a server is loaded. */
export function examineServers({
	url,
	synchronous = false,
	memory,
	unsafeServerWithoutFsync = false,
}: ExamineOptions): Promise<PostgresExamined> {
	// Who only looks remembers nothing.
	const demands: Demands = {
		synchronous,
		unsafeWithoutFsync: unsafeServerWithoutFsync,
		memory,
	};
	return Promise.all(
		parsePostgresUrl(url).map((target) => examineServer(target, demands)),
	);
}

async function examineServer(
	target: PostgresTarget,
	demands: Demands,
): Promise<ServerExamined> {
	const { where } = target;
	try {
		const { client, standbys } = await tryServer(target, DURABLE, demands);
		await client.close();
		return { where, kind: "taken", standbys };
	} catch (thrown) {
		if (thrown instanceof IsStandby) return { where, kind: "standby" };
		if (!(thrown instanceof TetradError)) throw thrown;
		return { where, kind: "refused", why: thrown.message };
	}
}
