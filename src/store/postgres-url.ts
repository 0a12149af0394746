import { TetradError } from "../errors.ts";

/** Where a server is and who asks. Of this only `where` may be said aloud. */
export interface PostgresTarget {
	/** For sentences: the host and the database, never the password. */
	readonly where: string;
	/** A host and a port, or the path of a Unix socket. */
	readonly address:
		| { readonly host: string; readonly port: number }
		| { readonly path: string };
	/** The host whose certificate the server must show, if the connection is encrypted. */
	readonly tlsHost: string | undefined;
	readonly user: string | undefined;
	readonly password: string | undefined;
	readonly database: string | undefined;
}

const FORM =
	"postgres://USER:PASSWORD@HOST:PORT/DATABASE, or postgres://USER@localhost/DATABASE?host=FOLDER for a Unix socket";

/** Throws `invalid-argument` and repeats nothing of the text, which may hold a password. */
export function parsePostgresUrl(text: string): PostgresTarget {
	const url = URL.canParse(text) ? new URL(text) : undefined;
	if (
		url === undefined ||
		(url.protocol !== "postgres:" && url.protocol !== "postgresql:")
	)
		throw refused("it has another form");
	for (const name of url.searchParams.keys())
		if (name !== "host" && name !== "sslmode")
			throw refused("it has a parameter other than host and sslmode");
	const host =
		url.searchParams.get("host") ??
		(decoded(url.hostname).replace(/^\[(.*)\]$/, "$1") || "localhost");
	if (host.includes(",")) throw refused("it names several hosts");
	const port = Number(url.port || 5432);
	const database = decoded(url.pathname.slice(1)) || undefined;
	const isLocal =
		host.startsWith("/") || ["localhost", "127.0.0.1", "::1"].includes(host);
	const mode =
		url.searchParams.get("sslmode") ?? (isLocal ? "disable" : "verify-full");
	if (mode !== "disable" && mode !== "verify-full")
		throw refused("its sslmode is neither disable nor verify-full");
	return {
		where: `the PostgreSQL server at ${host.startsWith("/") ? host : `${host.includes(":") ? `[${host}]` : host}:${port}`}`,
		address: host.startsWith("/")
			? { path: `${host}/.s.PGSQL.${port}` }
			: { host, port },
		tlsHost: mode === "disable" ? undefined : host,
		user: decoded(url.username) || undefined,
		password: decoded(url.password) || undefined,
		database,
	};
}

function decoded(part: string): string {
	try {
		return decodeURIComponent(part);
	} catch {
		throw refused("a % in it is not followed by two digits");
	}
}

function refused(why: string): TetradError {
	return new TetradError(
		"invalid-argument",
		`the address of the PostgreSQL server cannot be used: ${why}; write ${FORM}`,
	);
}
