/* Where targets come from: a sandbox that is made, runs and goes again, or what the user has named. */
import { mkdtemp, realpath, rm } from "node:fs/promises";
import { isIP } from "node:net";
import { tmpdir } from "node:os";
import { join } from "node:path";
import {
	type Address,
	formatAddress,
	type TcpAddress,
} from "../carrier/index.ts";
import type { ProcessEvent } from "../device/process/index.ts";
import { readIssuerTerms } from "../device/purse/index.ts";
import { openAgent } from "../device/service/index.ts";
import { freePorts, makeSandbox, readWorld } from "../device/setup/index.ts";
import { readSide, type Side } from "../device/side/index.ts";
import { plansOfWorld, Supervisor } from "../device/supervisor/index.ts";
import { TetradError } from "../errors.ts";
import { parseAmount } from "../money/index.ts";
import { type Heard, type SideName, Target } from "./target.ts";

/** What is kept of what the processes of a sandbox say. */
const MAX_HEARD = 100_000;

/** Makes a sandbox, runs it, and has `act` attack it; nothing of it is left. */
export async function withSandboxTarget<Value>(
	act: (target: Target) => Promise<Value>,
	{
		signal,
		step = () => {},
	}: {
		readonly signal: AbortSignal;
		/** Called when something begins. */
		readonly step?: (what: string) => void;
	},
): Promise<Value> {
	await using stack = new AsyncDisposableStack();
	const around = await newFolder(stack);
	const folder = join(around, "world");
	const [issuer = "", shop = "", operators = ""] = (await freePorts(3)).map(
		(port) => `127.0.0.1:${port}`,
	);
	await makeSandbox(folder, {
		addresses: { issuer, shop, operators },
		step: (what) => {
			signal.throwIfAborted();
			step(what);
		},
	});
	const world = await readWorld(folder);
	const heard: Heard[] = [];
	step("all of them start");
	stack.use(
		await Supervisor.start<ProcessEvent>(plansOfWorld(world), {
			signal,
			said: (process, event) => {
				if (heard.length < MAX_HEARD) heard.push({ process, event });
			},
		}),
	);
	step("the buyer fetches its money");
	await settle(world.buyer, signal);
	const target = stack.use(
		new Target({
			merchantAt: requireLoopback(listensAt(world.shop)),
			issuerAt: requireLoopback(listensAt(world.issuer)),
			sides: {
				merchant: world.shop,
				buyer: world.buyer,
				issuer: world.issuer,
			},
			scratch: around,
			sandbox: folder,
			lent: undefined,
			spend: undefined,
			heard,
		}),
	);
	return await act(target);
}

/** What was ordered is withdrawn. */
async function settle(buyer: Side, signal: AbortSignal): Promise<void> {
	await using agent = await openAgent(buyer.path);
	await agent.settle({ signal });
}

/** What a user says of a deployment. */
interface Deployment {
	/** Where the merchant's agent answers; what the merchant's side says unless given. */
	readonly merchantAt?: Address | undefined;
	/** Folders of sides. */
	readonly sides: Readonly<Partial<Record<SideName, string>>>;
	/** The folder of a side that attacks. */
	readonly lent?: string | undefined;
	/** What the buyer may pay in all, in decimals. */
	readonly spend?: string | undefined;
}

/**
 * Has `act` attack what a user has named. Throws `invalid-argument` for what is not on this machine
 * alone, and `home-unusable` for a folder that is no side.
 */
export async function withDeploymentTarget<Value>(
	{ merchantAt, sides, lent, spend }: Deployment,
	act: (target: Target) => Promise<Value>,
): Promise<Value> {
	const read: Partial<Record<SideName, Side>> = {};
	for (const [name, folder] of Object.entries(sides))
		read[name as SideName] = await readSide(folder);
	const at =
		merchantAt ??
		(read.merchant === undefined ? undefined : listensAt(read.merchant));
	if (at === undefined)
		throw new TetradError(
			"invalid-argument",
			"say whom to attack: the address of a merchant's agent, or its side by --merchant FOLDER; without either, a sandbox is made and attacked",
		);
	const issuerAt = read.issuer?.agent.listen ?? read.merchant?.issuer?.at;
	const merchant = requireLoopback(at);
	await using stack = new AsyncDisposableStack();
	const target = stack.use(
		new Target({
			merchantAt: merchant,
			issuerAt: issuerAt === undefined ? undefined : requireLoopback(issuerAt),
			sides: read,
			scratch: await newFolder(stack),
			sandbox: undefined,
			lent,
			spend: await minorUnits(spend, read.buyer),
			heard: [],
		}),
	);
	return await act(target);
}

async function minorUnits(
	spend: string | undefined,
	buyer: Side | undefined,
): Promise<bigint | undefined> {
	if (spend === undefined) return undefined;
	if (buyer?.issuer === undefined)
		throw new TetradError(
			"invalid-argument",
			"--spend needs a buyer with an issuer: say --buyer FOLDER",
		);
	const { currency } = await readIssuerTerms(buyer.issuer.termsPath);
	return parseAmount(spend, currency);
}

/** Throws `invalid-argument` for an address that may lead to another machine: names are not asked where they lead. */
function requireLoopback(address: Address): TcpAddress {
	if (address.kind === "tcp" && isLoopback(address.host)) return address;
	throw new TetradError(
		"invalid-argument",
		`${formatAddress(address)} is not on this machine alone: only addresses of its loopback are attacked, such as 127.0.0.1:7000 or [::1]:7000`,
	);
}

function isLoopback(host: string): boolean {
	switch (isIP(host)) {
		case 4:
			return host.startsWith("127.");
		case 6:
			return host === "::1";
		default:
			return host === "localhost";
	}
}

function listensAt(side: Side): Address {
	const { listen } = side.agent;
	if (listen === undefined)
		throw new TetradError(
			"invalid-argument",
			`the agent of ${side.path} listens nowhere; say agent.listen in its tetrad.toml`,
		);
	return listen;
}

/** A folder that goes at last. Its path is short, since sockets are in it. */
async function newFolder(stack: AsyncDisposableStack): Promise<string> {
	const folder = await mkdtemp(
		join(await realpath(tmpdir()), "tetrad-attack-"),
	);
	stack.defer(() => rm(folder, { recursive: true, force: true }));
	return folder;
}
