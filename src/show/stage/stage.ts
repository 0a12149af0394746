import { mkdtemp, rm, writeFile } from "node:fs/promises";
import { tmpdir } from "node:os";
import { basename, join } from "node:path";
import { formatAddress, parseAddress } from "../../carrier/index.ts";
import type { LinkFlag, RootFlag } from "../../cli/index.ts";
import type { SignatureAlgorithm } from "../../crypto/index.ts";
import { readCertificates } from "../../device/home/index.ts";
import type { ProcessEvent } from "../../device/process/index.ts";
import type { PurseMint } from "../../device/purse/index.ts";
import { DeviceProcess } from "../../device/supervisor/index.ts";
import { TetradError } from "../../errors.ts";
import { type DeviceRole, printPem } from "../../identity/index.ts";
import type { SuiteName } from "../../session/index.ts";
import { PLACES, type Place, type Routing } from "../../tetrad/index.ts";
import { type Custody, examineCustody } from "./custody.ts";
import { EcashTeller } from "./ecash-teller.ts";
import {
	roleOf,
	type StrangerTrial,
	type Trial,
	tryImpostors,
	tryStrangers,
} from "./impostors.ts";
import { inSoftware, type KeyRoom } from "./key-room.ts";
import { type Keylog, readKeylog } from "./keylog.ts";
import { byPlace, NAMES } from "./names.ts";
import { performSale, type Sale, type SaleOptions } from "./sale.ts";
import { Scene } from "./scene.ts";
import { StageAuthority } from "./stage-authority.ts";
import { demandsOfTokens, makeStageHome, type Recipe } from "./stage-home.ts";
import { CLERK, MINT, type ShownPayment, Teller } from "./teller.ts";
import type { Captured } from "./wiretap.ts";

export interface RunOptions {
	readonly routing: Routing;
	readonly root: RootFlag;
	readonly link: LinkFlag;
	/** What A sends to B; an order unless given. */
	readonly file?: string;
	/** What A has its module pay. */
	readonly pay?: ShownPayment;
	/** Hears every event of every process. */
	readonly hear?: (place: Place, event: ProcessEvent) => void;
	/** Called when something that takes time begins. */
	readonly step?: (what: string) => void;
}

/** What was said in a run, which a wiretap should not find. */
interface Plaintexts {
	readonly message: string;
	readonly greet: Readonly<Record<Place, string>>;
}

export interface Run {
	readonly options: RunOptions;
	readonly pids: Readonly<Record<Place, number>>;
	readonly events: Readonly<Record<Place, readonly ProcessEvent[]>>;
	readonly captures: readonly Captured[];
	readonly keylog: Keylog;
	readonly said: Plaintexts;
	/** The leaf of each device, in DER. */
	readonly certificates: Readonly<Record<Place, Uint8Array>>;
	/** Where the long-term keys are, looked at when the run was over. */
	readonly custody: Readonly<Record<Place, Custody>>;
	/** What came of devices that are not what their place asks for, tried once on each stage. */
	readonly impostors: readonly Trial[];
	/** What came of a stranger's module behind each agent, tried once on each stage. */
	readonly strangers: readonly StrangerTrial[];
}

interface PairEvent {
	readonly event: "listening" | "compare" | "paired";
	readonly address?: string;
	readonly code?: string;
}

/** A temporary folder with two authorities and four certified, paired devices, on which runs are made. */
export class Stage implements AsyncDisposable {
	readonly folder: string;
	readonly suite: SuiteName;
	readonly homes: Readonly<Record<Place, string>>;
	/** The roots of the two authorities, in files. */
	readonly roots: { readonly agency: string; readonly bank: string };
	/** The code that each pairing showed at both of its devices. */
	readonly pairingCodes: string[] = [];
	readonly #signal: AbortSignal;
	readonly #open = new AsyncDisposableStack();
	#room: KeyRoom | undefined;
	#impostors: readonly Trial[] = [];
	#strangers: readonly StrangerTrial[] = [];
	#recipe: Recipe | undefined;
	#scenes = 0;

	private constructor(folder: string, suite: SuiteName, signal: AbortSignal) {
		this.folder = folder;
		this.#signal = signal;
		this.suite = suite;
		this.roots = {
			agency: join(folder, "agency.pem"),
			bank: join(folder, "bank.pem"),
		};
		this.homes = {
			A: join(folder, NAMES.A),
			B: join(folder, NAMES.B),
			X: join(folder, NAMES.X),
			Y: join(folder, NAMES.Y),
		};
	}

	static async set(options: {
		readonly suite: SuiteName;
		/** Stops every process of the stage, so that what is under way fails. */
		readonly signal: AbortSignal;
		readonly algorithm?: SignatureAlgorithm;
		/** Makes the place for the keys, in a folder that does not exist yet; files of the homes unless given. */
		readonly keys?: (folder: string) => KeyRoom | Promise<KeyRoom>;
		readonly step?: (what: string) => void;
	}): Promise<Stage> {
		const { suite, signal, algorithm = "P-256", step = () => {} } = options;
		const folder = await makeFolder();
		const stage = new Stage(folder, suite, signal);
		try {
			const { keys = inSoftware } = options;
			const room = await keys(join(folder, "keys"));
			stage.#room = room;
			step("an agency and a bank certify four devices");
			const recipe = await stage.#certify(algorithm, room);
			step("each agent is paired with its module");
			const { A, B, X, Y } = stage.homes;
			const codes = await stage.#each([
				() => stage.#pair(A, X),
				() => stage.#pair(B, Y),
			]);
			stage.pairingCodes.push(...codes);
			step("impostors try each of the four places");
			stage.#recipe = recipe;
			stage.#impostors = await stage.tryImpostors();
			step("a stranger's module tries to stand behind each agent");
			stage.#strangers = await tryStrangers(stage.homes, recipe.authorities);
			return stage;
		} catch (thrown) {
			await stage[Symbol.asyncDispose]();
			throw thrown;
		}
	}

	/**
	 * A teller beside the four devices: an issuer of play money with an agent and a module of its
	 * own, and a purse for each module of the four, which takes the ecash of those mints, too. It is open until the stage is disposed of.
	 */
	async openTeller(mints: readonly PurseMint[] = []): Promise<Teller> {
		const recipe = this.#recipe;
		if (recipe === undefined)
			throw new TetradError(
				"internal",
				"a teller comes after the four devices",
			);
		const { room, inTokens } = recipe;
		const make = async (name: string, role: DeviceRole) => {
			const path = join(this.folder, name);
			const plan = room.plan(role, name);
			const demands = inTokens
				? demandsOfTokens(role === "agent" ? "B" : "Y")
				: {};
			await makeStageHome(recipe, { path, name, role, plan, demands });
			return path;
		};
		const agent = await make(CLERK, "agent");
		const mint = await make(MINT, "module");
		const { homes } = this;
		const signal = this.#signal;
		return this.#open.use(
			await Teller.open({ agent, mint, homes, mints, signal }),
		);
	}

	/** A play mint beside them, of whose ecash the purses are told; and a teller, whose issuer they have as well. */
	async openMint(): Promise<EcashTeller> {
		const ecash = this.#open.use(
			await EcashTeller.open(this.folder, this.homes),
		);
		await this.openTeller([ecash.mint]);
		return ecash;
	}

	/** Starts four processes with a tap on every wire, lets them use every session, and stops them. */
	async run(options: RunOptions): Promise<Run> {
		const { step = () => {}, pay } = options;
		const issuers = pay === undefined ? [] : ["--issuer-terms", pay.terms];
		await using scene = await this.#scene("run", options);
		const { folder, keylogs } = scene;
		const said: Plaintexts = {
			message: `an order from ${NAMES.A}, number ${crypto.randomUUID()}`,
			greet: byPlace(
				(place) => `${NAMES[place]} says hello, number ${crypto.randomUUID()}`,
			),
		};
		const { file = join(folder, "order.txt") } = options;
		if (options.file === undefined) await writeFile(file, said.message);
		const greet = (place: Place) => ["--greet", said.greet[place]];
		step("the four processes start");
		const [X, Y] = await this.#each([
			() => scene.startModule("X", greet("X")),
			() => scene.startModule("Y", greet("Y")),
		]);
		const ax = await scene.tapLink("X");
		const by = await scene.tapLink("Y");
		const B = scene.start("B", [
			...["agent", "--module", formatAddress(by.address), ...greet("B")],
			...["--listen", "127.0.0.1:0"],
			...["--receive", join(folder, "inbox")],
			...(pay === undefined ? [] : ["--take-payments", ...issuers]),
		]);
		const { address } = await B.expect("listening");
		const network = await scene.tapNetwork(parseAddress(address));
		step("they become one conversation and use every session");
		const A = scene.start("A", [
			...["agent", "--module", formatAddress(ax.address), ...greet("A")],
			...["--connect", formatAddress(network.address)],
			...["--routing", options.routing],
			...["--root", options.root],
			...["--message", said.message],
			...["--send", file],
			...(pay === undefined
				? []
				: ["--pay", pay.amount, "--for", pay.text, ...issuers]),
		]);
		await A.succeed();
		await Promise.all([B, X, Y].map((device) => device.expect("ended")));
		const running = { A, B, X, Y };
		for (const place of ["B", "X", "Y"] as const) await running[place].stop();
		return {
			options,
			pids: byPlace((place) => running[place].pid),
			events: byPlace((place) => running[place].events),
			captures: await scene.captured(),
			keylog: await readKeylog(keylogs),
			said,
			certificates: await this.#certificates(),
			custody: await examineCustody(this.homes, keylogs),
			impostors: this.#impostors,
			strangers: this.#strangers,
		};
	}

	/** B sells a file, A buys it, and a process is killed in the middle. Whoever asked looks at what came of it before the stage is disposed of. */
	async sell(options: SaleOptions): Promise<Sale> {
		await using scene = await this.#scene("sale", options);
		return await performSale(scene, options, (work) => this.#each(work));
	}

	/** Looks at the homes as they are now. */
	custody(): Promise<Record<Place, Custody>> {
		return examineCustody(this.homes);
	}

	/** Tries impostors against the homes as they are now; each of those takes or refuses by its own policy. */
	async tryImpostors(): Promise<Trial[]> {
		if (this.#recipe === undefined) return [];
		return tryImpostors(this.homes, this.#recipe.authorities);
	}

	async [Symbol.asyncDispose](): Promise<void> {
		await this.#open.disposeAsync();
		await this.#room?.[Symbol.asyncDispose]();
		await rm(this.folder, { recursive: true, force: true });
	}

	#scene(
		kind: string,
		{ link, hear }: Pick<RunOptions, "link" | "hear">,
	): Promise<Scene> {
		return Scene.open({
			folder: join(this.folder, `${kind}-${++this.#scenes}`),
			homes: this.homes,
			link,
			signal: this.#signal,
			...(hear === undefined ? {} : { hear }),
		});
	}

	/** Does both at the same time, where the place for the keys lets it. */
	async #each<T>(
		work: readonly [() => Promise<T>, () => Promise<T>],
	): Promise<[T, T]> {
		const [first, second] = work;
		if (this.#room?.oneByOne !== true) return Promise.all([first(), second()]);
		return [await first(), await second()];
	}

	/** Devices demand keys in tokens of each other when all four have them there. */
	async #certify(
		algorithm: SignatureAlgorithm,
		room: KeyRoom,
	): Promise<Recipe> {
		const [agent, module] = await Promise.all([
			StageAuthority.create("agency", "Demo Agency", algorithm),
			StageAuthority.create("bank", "Demo Bank", algorithm),
		]);
		await writeFile(this.roots.agency, printPem([agent.root]));
		await writeFile(this.roots.bank, printPem([module.root]));
		const plans = byPlace((place) => room.plan(roleOf(place), NAMES[place]));
		const inTokens = PLACES.every((place) => plans[place].level !== "software");
		const recipe: Recipe = {
			room,
			authorities: { agent, module },
			algorithm,
			suite: this.suite,
			inTokens,
		};
		for (const place of PLACES)
			await makeStageHome(recipe, {
				path: this.homes[place],
				name: NAMES[place],
				role: roleOf(place),
				plan: plans[place],
				demands: inTokens ? demandsOfTokens(place) : {},
			});
		return recipe;
	}

	async #certificates(): Promise<Record<Place, Uint8Array>> {
		const leaf = async (place: Place) => {
			const [der] = await readCertificates(
				join(this.homes[place], "chain.pem"),
			);
			return der ?? new Uint8Array();
		};
		return {
			A: await leaf("A"),
			B: await leaf("B"),
			X: await leaf("X"),
			Y: await leaf("Y"),
		};
	}

	/** Pairs the devices of two homes, and answers with the code that both showed. */
	async #pair(agent: string, module: string): Promise<string> {
		const at = `unix:${agent}.pair`;
		const pairing = (home: string, ...args: string[]) =>
			new DeviceProcess<PairEvent>(
				`pairing ${basename(home)}`,
				["pair", "--yes", "--home", home, ...args],
				this.#signal,
			);
		await using atModule = pairing(module, "--listen", at);
		await atModule.expect("listening");
		await using atAgent = pairing(agent, "--connect", at);
		await Promise.all([atModule.succeed(), atAgent.succeed()]);
		const { code } = await atAgent.expect("compare");
		return code ?? "";
	}
}

async function makeFolder(): Promise<string> {
	const path = join(tmpdir(), "tetrad-");
	try {
		return await mkdtemp(path);
	} catch (thrown) {
		throw new TetradError(
			"file-unusable",
			`cannot make a folder in ${tmpdir()} (${(thrown as NodeJS.ErrnoException).code}); name another place for temporary files in TMPDIR`,
			{ cause: thrown },
		);
	}
}
