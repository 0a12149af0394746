/*
 * A server of PostgreSQL of a test's own: made in a temporary folder, reached over a Unix socket
 * in it, or over TCP on this machine where that is asked for, and gone with the test file,
 * whatever happens to that.
 */
import {
	type ChildProcess,
	execFile,
	spawn,
	spawnSync,
} from "node:child_process";
import { existsSync, readdirSync, rmSync } from "node:fs";
import {
	chmod,
	chown,
	mkdtemp,
	readFile,
	rm,
	writeFile,
} from "node:fs/promises";
import { type AddressInfo, createServer } from "node:net";
import { tmpdir } from "node:os";
import { delimiter, join } from "node:path";
import { setTimeout as delay } from "node:timers/promises";
import { promisify } from "node:util";

const run = promisify(execFile);

const PATIENCE_MS = 20_000;
const SUPERUSER = "postgres";

/** Of a Unix socket it is but a part of the name, in a folder that nobody else has. */
const ANY_PORT = 5432;

/** The folder of the server's programs; the newest, where there are several. */
function findPrograms(): string | undefined {
	const debian = "/usr/lib/postgresql";
	const versions = existsSync(debian) ? readdirSync(debian) : [];
	const folders = [
		...versions
			.toSorted((a, b) => Number(b) - Number(a))
			.map((version) => join(debian, version, "bin")),
		...(process.env["PATH"] ?? "").split(delimiter),
	];
	return folders.find(
		(folder) =>
			existsSync(join(folder, "initdb")) &&
			existsSync(join(folder, "postgres")),
	);
}

const PROGRAMS = findPrograms();

/** Why there can be no server here. In CI nothing is skipped, and the tests fail. */
export const NO_POSTGRES: string | false =
	PROGRAMS !== undefined || process.env["CI"] === "true"
		? false
		: "there is no PostgreSQL: install the package postgresql";

/** The server refuses to run as root. */
function unprivileged(): { uid: number; gid: number } | undefined {
	if (process.getuid?.() !== 0) return undefined;
	for (const name of ["postgres", "nobody"]) {
		const [uid, gid] = ["-u", "-g"].map((flag) =>
			Number.parseInt(
				spawnSync("id", [flag, name], { encoding: "utf8" }).stdout,
				10,
			),
		);
		if (uid && gid) return { uid, gid };
	}
	throw new Error("there is no user to run PostgreSQL as");
}

export interface ServerOptions {
	/** By which name it is a standby. */
	readonly name?: string;
	/** Takes connections over TCP, too, at a port that somebody else may have taken meanwhile. */
	readonly isOverTcp?: boolean;
	/** The environment of the server. */
	readonly env?: Readonly<Record<string, string>>;
}

export class PostgresServer implements AsyncDisposable {
	readonly folder: string;
	readonly #as: { uid: number; gid: number } | undefined;
	readonly #options: ServerOptions;
	#port = ANY_PORT;
	#server: ChildProcess | undefined;
	#said = "";

	static async start(options: ServerOptions = {}): Promise<PostgresServer> {
		const server = await PostgresServer.#prepare(options);
		await server.#make("initdb", [
			...["-D", server.#data, "-U", SUPERUSER, "-A", "trust"],
			// Only its first files are not synced; the server itself syncs.
			...["--no-sync", "-E", "UTF8", "--locale=C"],
		]);
		await server.restart();
		return server;
	}

	/** Starts a standby of a server that runs. */
	static async startStandby(
		of: PostgresServer,
		options: ServerOptions & { readonly name: string },
	): Promise<PostgresServer> {
		const server = await PostgresServer.#prepare(options);
		await server.#make("pg_basebackup", [
			...["-D", server.#data, "-R", "-X", "stream", "-c", "fast"],
			...["--no-sync", "-d", of.#connectionInfo],
		]);
		await server.restart();
		return server;
	}

	static async #prepare(options: ServerOptions): Promise<PostgresServer> {
		if (PROGRAMS === undefined)
			throw new Error("there is no PostgreSQL: install the package postgresql");
		const folder = await mkdtemp(join(tmpdir(), "tetrad-postgres-"));
		const server = new PostgresServer(folder, options);
		process.once("exit", () => server.#removeNow());
		if (server.#as !== undefined)
			await chown(folder, server.#as.uid, server.#as.gid);
		await chmod(folder, 0o700);
		return server;
	}

	/** Runs a program that makes its data. */
	async #make(program: string, args: readonly string[]): Promise<void> {
		await run(join(PROGRAMS as string, program), args, {
			...this.#as,
			env: process.env,
			cwd: this.folder,
		});
	}

	get #connectionInfo(): string {
		return `host=${this.folder} port=${this.#port} user=${SUPERUSER}`;
	}

	/** A server that is a standby of another one from now on, or of none. */
	async follow(primary: PostgresServer | undefined): Promise<void> {
		const from = primary === undefined ? "" : primary.#connectionInfo;
		await this.sql(`ALTER SYSTEM SET primary_conninfo = '${from}'`);
		await this.sql("SELECT pg_reload_conf()");
	}

	/** Ends a server and all its processes at once, as a machine that dies. */
	async killAll(): Promise<void> {
		const pids = await this.sql("SELECT pid FROM pg_stat_activity");
		const gone = this.stop("SIGKILL");
		for (const pid of pids.split("\n"))
			try {
				process.kill(Number(pid), "SIGKILL");
			} catch {
				// It has ended, as the session that was asked.
			}
		await gone;
	}

	private constructor(folder: string, options: ServerOptions) {
		this.folder = folder;
		this.#as = unprivileged();
		this.#options = options;
	}

	get #data(): string {
		return join(this.folder, "data");
	}

	/** The address of a database, for somebody in particular. */
	url(database = "postgres", user: string = SUPERUSER): string {
		return `postgres://${user}@localhost:${this.#port}/${database}?host=${encodeURIComponent(this.folder)}`;
	}

	/** Of several servers, in their order. */
	static urlOfAll(
		servers: readonly PostgresServer[],
		user: string = SUPERUSER,
	): string {
		const hosts = servers.map(({ folder }) => encodeURIComponent(folder));
		const ports = servers.map((server) => server.#port);
		return `postgres://${user}@localhost/postgres?host=${hosts}&port=${ports}`;
	}

	/** The same over TCP. */
	tcpUrl(
		host: string,
		database = "postgres",
		user: string = SUPERUSER,
	): string {
		return `postgres://${user}@${host}:${this.#port}/${database}`;
	}

	/** Takes encrypted connections, with a certificate for `localhost`; answers with its path. */
	async offerTls(): Promise<string> {
		const [certificate, key] = ["server.crt", "server.key"].map((name) =>
			join(this.folder, name),
		) as [string, string];
		await run("openssl", [
			...["req", "-x509", "-newkey", "ec", "-nodes", "-days", "2"],
			...["-pkeyopt", "ec_paramgen_curve:P-256", "-subj", "/CN=localhost"],
			...["-addext", "subjectAltName=DNS:localhost"],
			...["-keyout", key, "-out", certificate],
		]);
		if (this.#as !== undefined)
			for (const path of [certificate, key])
				await chown(path, this.#as.uid, this.#as.gid);
		await this.sql(`ALTER SYSTEM SET ssl_cert_file = '${certificate}'`);
		await this.sql(`ALTER SYSTEM SET ssl_key_file = '${key}'`);
		await this.set("ssl", "on");
		return certificate;
	}

	/** Runs SQL and waits for it without letting anything else run. */
	sqlNow(text: string): string {
		const { stdout, stderr, status } = spawnSync(
			join(PROGRAMS as string, "psql"),
			this.#psql(text),
			{ encoding: "utf8" },
		);
		if (status !== 0) throw new Error(stderr);
		return stdout.trim();
	}

	/** Changes a setting of the running server. */
	async set(name: string, value: string): Promise<void> {
		await this.sql(`ALTER SYSTEM SET ${name} = ${value}`);
		await this.sql("SELECT pg_reload_conf()");
		while ((await this.sql(`SHOW ${name}`)) !== value) await delay(10);
	}

	/** From now on this role must give its password. */
	async demandPassword(role: string): Promise<void> {
		const path = join(this.#data, "pg_hba.conf");
		const rules = await readFile(path, "utf8");
		await writeFile(path, `local all ${role} scram-sha-256\n${rules}`);
		await this.sql("SELECT pg_reload_conf()");
	}

	/** Starts the server, and resolves when it takes connections. */
	async restart(): Promise<void> {
		await this.stop("SIGQUIT");
		const { isOverTcp = false } = this.#options;
		if (isOverTcp && this.#port === ANY_PORT) this.#port = await freePort();
		const settings = {
			listen_addresses: isOverTcp ? "127.0.0.1" : "",
			port: `${this.#port}`,
			unix_socket_directories: this.folder,
			max_connections: "30",
			shared_buffers: "16MB",
			restart_after_crash: "off",
			// A checkpoint for one standby's backup removes nothing that another one's still reads.
			wal_keep_size: "128MB",
			// By which a standby is known to its primary, and how soon it comes back to it.
			cluster_name: this.#options.name ?? "",
			wal_retrieve_retry_interval: "200",
		};
		const server = spawn(
			join(PROGRAMS as string, "postgres"),
			[
				...["-D", this.#data],
				...Object.entries(settings).flatMap(([name, value]) => [
					"-c",
					`${name}=${value}`,
				]),
			],
			{
				...this.#as,
				cwd: this.folder,
				env: { ...process.env, ...this.#options.env },
				stdio: ["ignore", "ignore", "pipe"],
				detached: true,
			},
		);
		this.#server = server;
		server.stderr.setEncoding("utf8").on("data", (text: string) => {
			this.#said += text;
		});
		const until = performance.now() + PATIENCE_MS;
		while (!(await this.#answers())) {
			if (performance.now() > until || server.exitCode !== null)
				throw new Error(`PostgreSQL did not start:\n${this.#said}`);
			await delay(20);
		}
	}

	/** SIGKILL as a crash would, SIGQUIT as an owner would who cannot wait. */
	async stop(signal: "SIGKILL" | "SIGQUIT"): Promise<void> {
		const server = this.#server;
		if (server?.pid === undefined || server.exitCode !== null) return;
		if (server.signalCode !== null) return;
		const gone = new Promise((resolve) => server.once("exit", resolve));
		process.kill(server.pid, signal);
		await gone;
		// After SIGKILL its children end when they notice, and hold its memory until then.
		const until = performance.now() + PATIENCE_MS;
		while (isGroupAlive(server.pid) && performance.now() < until)
			await delay(10);
	}

	/** Runs SQL as somebody else would, in a session of its own. */
	async sql(text: string): Promise<string> {
		const psql = join(PROGRAMS as string, "psql");
		return (await run(psql, this.#psql(text))).stdout.trim();
	}

	/** Runs a file of SQL as somebody else would. */
	async load(path: string): Promise<void> {
		const psql = join(PROGRAMS as string, "psql");
		const named = [...this.#psql("").slice(0, -2), "-f", path];
		await run(psql, named);
	}

	#psql(text: string): string[] {
		return [
			...["-X", "-A", "-t", "-q", "-v", "ON_ERROR_STOP=1"],
			...["-h", this.folder, "-p", `${this.#port}`, "-U", SUPERUSER],
			...["-d", "postgres", "-c", text],
		];
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.stop("SIGQUIT");
		await rm(this.folder, { recursive: true, force: true });
	}

	/** Whether it takes connections. */
	#answers(): Promise<boolean> {
		return run(join(PROGRAMS as string, "pg_isready"), [
			...["-q", "-h", this.folder, "-p", `${this.#port}`],
		]).then(
			() => true,
			() => false,
		);
	}

	#removeNow(): void {
		const pid = this.#server?.pid;
		if (pid !== undefined && isGroupAlive(pid)) process.kill(-pid, "SIGKILL");
		rmSync(this.folder, { recursive: true, force: true });
	}
}

/** A port that nobody listens on at this moment. */
async function freePort(): Promise<number> {
	const server = createServer();
	await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
	const { port } = server.address() as AddressInfo;
	await new Promise((resolve) => server.close(resolve));
	return port;
}

function isGroupAlive(pid: number): boolean {
	try {
		process.kill(-pid, 0);
		return true;
	} catch {
		return false;
	}
}
