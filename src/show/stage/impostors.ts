/*
 * What happens to a device that is not what its place asks for: tried, in this process and with
 * the devices' own keys and policies, in each of the four places. The impostor is a device of the
 * stage's own authorities that follows the protocol in everything else.
 */
import { KEY_BYTES, nodeCrypto } from "../../crypto/index.ts";
import { type Home, readHome } from "../../device/home/index.ts";
import { makeDevice } from "../../device/runtime/index.ts";
import { TetradError } from "../../errors.ts";
import {
	type CertifiedDevice,
	ChainVerdicts,
	type DeviceRole,
	type Signer,
} from "../../identity/index.ts";
import { generateSoftwareKey } from "../../keys/index.ts";
import {
	type AgentEffect,
	type AgentEvent,
	type AgentMachine,
	agentInitiator,
	agentResponder,
	DEFAULT_TIMEOUT_MS,
	type DeviceContext,
	type Ended,
	type LinkEffect,
	type LinkEvent,
	LinkMachine,
	type LinkMode,
	type ModuleEvent,
	type ModuleMachine,
	moduleInitiator,
	moduleResponder,
	type Pairing,
	PLACES,
	type Place,
	SignedHashes,
	TETRAD_ID_BYTES,
} from "../../tetrad/index.ts";
import { byPlace } from "./names.ts";
import type { StageAuthority } from "./stage-authority.ts";

/** The device at the other end of the own link. */
export const PARTNER: Readonly<Record<Place, Place>> = {
	A: "X",
	X: "A",
	B: "Y",
	Y: "B",
};

/** What is wrong with an impostor. */
export type Impostor =
	/** Its certificate is for the other role. */
	| "role"
	/** Its key is in software, and its certificate attests nothing else. */
	| "level";

/** What came of one impostor in one place. */
export interface Trial {
	readonly impostor: Impostor;
	readonly place: Place;
	/** Whether its own agent or module was in league with it, so that only the other side could refuse it. */
	readonly inLeague: boolean;
	/** Who refused it first and why; `undefined` when it was taken. */
	readonly refused: { readonly by: Place; readonly reason: string } | undefined;
}

/** What came of a module that is certified like the right one, in the place of a module that was paired. */
export interface StrangerTrial {
	readonly place: "X" | "Y";
	readonly refused: Trial["refused"];
}

export function roleOf(place: Place): DeviceRole {
	return place === "A" || place === "B" ? "agent" : "module";
}

interface Actor {
	readonly context: DeviceContext;
	readonly signer: Signer;
}

/** How the links of an encounter are made. */
interface Links {
	readonly mode: LinkMode;
	/** What each device knows of the other end of its link. */
	readonly pairings: Readonly<Record<Place, Pairing>>;
}

/** Tries impostors in each place, alone and with its partner in league. */
export async function tryImpostors(
	homes: Readonly<Record<Place, string>>,
	authorities: Readonly<Record<DeviceRole, StageAuthority>>,
): Promise<Trial[]> {
	await using stack = new AsyncDisposableStack();
	const opened = await openAll(homes, stack);
	const trials: Trial[] = [];
	for (const impostor of ["role", "level"] as const)
		for (const place of PLACES)
			for (const inLeague of [false, true]) {
				const actors = honest(opened);
				const partner = PARTNER[place];
				actors[place] = await makeImpostor(
					impostor,
					place,
					actors[place].context,
					authorities,
				);
				if (inLeague) actors[partner] = accomplice(partner, actors[partner]);
				const refused = await Encounter.hold(actors, openLinks(actors));
				trials.push({ impostor, place, inLeague, refused });
			}
	return trials;
}

/**
 * Tries a stranger's module in the place of each module. Nothing is wrong with its certificate, it
 * takes whatever comes, and the links ask for no key; it is only not the one that was paired.
 */
export async function tryStrangers(
	homes: Readonly<Record<Place, string>>,
	authorities: Readonly<Record<DeviceRole, StageAuthority>>,
): Promise<StrangerTrial[]> {
	await using stack = new AsyncDisposableStack();
	const opened = await openAll(homes, stack);
	const trials: StrangerTrial[] = [];
	for (const place of ["X", "Y"] as const) {
		const actors = honest(opened);
		const signer = generateSoftwareKey("P-256");
		const chain = await authorities.module.certify("mallory", signer, "tpm");
		const context = indifferent(actors[place].context, chain, "module");
		actors[place] = { context, signer };
		const pairings = {
			...byPlace((device) => pairingOf(opened[device])),
			[place]: guessed(actors[PARTNER[place]]),
		};
		const refused = await Encounter.hold(actors, {
			mode: "unsafe-open",
			pairings,
		});
		trials.push({ place, refused });
	}
	return trials;
}

async function openAll(
	homes: Readonly<Record<Place, string>>,
	stack: AsyncDisposableStack,
): Promise<Record<Place, Home>> {
	const open = async (place: Place) =>
		stack.use(await readHome(homes[place], roleOf(place)));
	return {
		A: await open("A"),
		B: await open("B"),
		X: await open("X"),
		Y: await open("Y"),
	};
}

function pairingOf({ pairing, name }: Home): Pairing {
	if (pairing === undefined)
		throw new TetradError("internal", `${name} is paired with nobody`);
	return pairing;
}

/** What somebody knows who was never paired with that device: who it is, and no key. */
function guessed({ context }: Actor): Pairing {
	const key = nodeCrypto.random(KEY_BYTES);
	return { peerDeviceId: context.own.deviceId, key };
}

/** Links that ask for no pairing. */
function openLinks(actors: Readonly<Record<Place, Actor>>): Links {
	return {
		mode: "unsafe-open",
		pairings: byPlace((place) => guessed(actors[PARTNER[place]])),
	};
}

function honest(homes: Readonly<Record<Place, Home>>): Record<Place, Actor> {
	const actor = (place: Place): Actor => ({
		context: makeDevice(roleOf(place), homes[place]).context,
		signer: homes[place].identity.signer,
	});
	return { A: actor("A"), B: actor("B"), X: actor("X"), Y: actor("Y") };
}

async function makeImpostor(
	impostor: Impostor,
	place: Place,
	context: DeviceContext,
	authorities: Readonly<Record<DeviceRole, StageAuthority>>,
): Promise<Actor> {
	const right = roleOf(place);
	const wrong: DeviceRole = right === "agent" ? "module" : "agent";
	const role = impostor === "role" ? wrong : right;
	const signer = generateSoftwareKey("P-256");
	// Nothing but the role shall be wrong with a device of the wrong role.
	const level = impostor === "role" ? "tpm" : "software";
	const chain = await authorities[role].certify("mallory", signer, level);
	return { context: indifferent(context, chain, role), signer };
}

/** The honest device's key and certificate, in the hands of somebody who takes whatever comes. */
function accomplice(place: Place, { context, signer }: Actor): Actor {
	const { encodedChain } = context.own;
	return { context: indifferent(context, encodedChain, roleOf(place)), signer };
}

function indifferent(
	context: DeviceContext,
	chain: Uint8Array,
	role: DeviceRole,
): DeviceContext {
	const { demands: _, ...policy } = context.policy;
	const verdicts = new Indifferent(nodeCrypto, policy);
	const own = verdicts.judge(chain, role, Date.now());
	return { ...context, policy, verdicts, own };
}

/** Takes a certified device for whichever role it has. */
class Indifferent extends ChainVerdicts {
	override judge(
		chain: Uint8Array,
		role: DeviceRole,
		now: number,
	): CertifiedDevice {
		return this.#whichever(role, (either) => super.judge(chain, either, now));
	}

	override judgeNamed(
		hash: Uint8Array,
		chain: Uint8Array,
		role: DeviceRole,
		now: number,
	): CertifiedDevice {
		return this.#whichever(role, (either) =>
			super.judgeNamed(hash, chain, either, now),
		);
	}

	override judgeForLink(
		chain: Uint8Array,
		role: DeviceRole,
		now: number,
	): CertifiedDevice {
		return this.#whichever(role, (either) =>
			super.judgeForLink(chain, either, now),
		);
	}

	#whichever(
		role: DeviceRole,
		judge: (role: DeviceRole) => CertifiedDevice,
	): CertifiedDevice {
		try {
			return judge(role);
		} catch {
			return judge(role === "agent" ? "module" : "agent");
		}
	}
}

interface Machines {
	readonly A: AgentMachine;
	readonly B: AgentMachine;
	readonly X: ModuleMachine;
	readonly Y: ModuleMachine;
}

/** Four machines that meet in memory. Over open links it is the conversation that refuses, and not a pairing that was never made. */
class Encounter {
	readonly #actors: Readonly<Record<Place, Actor>>;
	readonly #links: Readonly<Record<Place, LinkMachine>>;
	readonly #id = nodeCrypto.random(TETRAD_ID_BYTES);
	readonly #now = Date.now();
	#machines: Machines | undefined;
	#queue: (() => void | Promise<void>)[] = [];
	#refused: Trial["refused"];

	/** Resolves with the first refusal, or with `undefined` once nobody has anything to say any more. */
	static async hold(
		actors: Readonly<Record<Place, Actor>>,
		links: Links,
	): Promise<Trial["refused"]> {
		const encounter = new Encounter(actors, links);
		for (const place of PLACES) encounter.#atLink(place, { kind: "start" });
		await encounter.#run();
		if (encounter.#refused !== undefined) return encounter.#refused;
		encounter.#machines = encounter.#makeMachines();
		encounter.#atAgent("A", { kind: "start" });
		await encounter.#run();
		return encounter.#refused;
	}

	private constructor(
		actors: Readonly<Record<Place, Actor>>,
		{ mode, pairings }: Links,
	) {
		this.#actors = actors;
		const link = (place: Place) =>
			new LinkMachine(roleOf(place), {
				device: actors[place].context,
				pairing: pairings[place],
				mode,
				now: this.#now,
				timeoutMs: DEFAULT_TIMEOUT_MS,
			});
		this.#links = { A: link("A"), B: link("B"), X: link("X"), Y: link("Y") };
	}

	#makeMachines(): Machines {
		const options = (place: Place) => ({
			device: this.#actors[place].context,
			link: this.#links[place].contextFor(this.#id),
			now: this.#now,
			timeoutMs: DEFAULT_TIMEOUT_MS,
			signedHashes: new SignedHashes(),
		});
		return {
			A: agentInitiator({
				...options("A"),
				routing: "direct",
				root: "transcript",
			}),
			B: agentResponder(options("B")),
			X: moduleInitiator(options("X")),
			Y: moduleResponder(options("Y")),
		};
	}

	async #run(): Promise<void> {
		for (let next = this.#queue.shift(); next; next = this.#queue.shift()) {
			await next();
			if (this.#refused !== undefined) return;
		}
	}

	#atLink(place: Place, event: LinkEvent): void {
		const other = PARTNER[place];
		for (const effect of this.#links[place].handle(event, this.#now))
			this.#onLink(place, other, effect);
		if (this.#links[place].flushWaits) this.#atLink(place, { kind: "flush" });
	}

	#onLink(place: Place, other: Place, effect: LinkEffect | Ended): void {
		if (effect.kind === "send-frame") {
			const { bytes } = effect;
			this.#queue.push(() => this.#atLink(other, { kind: "frame", bytes }));
		} else if (effect.kind === "message") {
			const { type, body } = effect;
			this.#atMachine(place, { kind: "link-message", type, body });
		} else if (effect.kind === "ended") this.#ended(place, effect.error);
	}

	#atAgent(place: "A" | "B", event: AgentEvent): void {
		const effects = this.#machines?.[place].handle(event, this.#now) ?? [];
		for (const effect of effects) this.#onMachine(place, effect);
	}

	#atMachine(place: Place, event: ModuleEvent): void {
		const effects = this.#machines?.[place].handle(event, this.#now) ?? [];
		for (const effect of effects) this.#onMachine(place, effect);
	}

	#onMachine(place: Place, effect: AgentEffect | Ended): void {
		if (effect.kind === "send-frame") {
			const { bytes } = effect;
			const to = place === "A" ? "B" : "A";
			this.#queue.push(() => this.#atAgent(to, { kind: "frame", bytes }));
		} else if (effect.kind === "send-link") {
			const { type, body, chains } = effect;
			const tetradId = this.#id;
			this.#atLink(place, { kind: "send", tetradId, type, body, chains });
		} else if (effect.kind === "sign") {
			const { id, content } = effect;
			this.#queue.push(async () => {
				const signature = await this.#actors[place].signer.sign(content);
				this.#atMachine(place, { kind: "signed", id, signature });
			});
		} else if (effect.kind === "ended") this.#ended(place, effect.error);
	}

	#ended(by: Place, error: TetradError | undefined): void {
		if (error === undefined || this.#refused !== undefined) return;
		this.#refused = { by, reason: error.message };
	}
}
