/*
 * Which secrets four devices still have in memory while a tetrad is confirmed, and when it is over:
 * closed, given up or overdue at any moment; and the same of links and pairings. As text: `npx node
 * test/write-down.ts` writes it into `stories/secrets-left.txt`.
 */
import { readFileSync, writeFileSync } from "node:fs";
import { TetradError } from "../../src/errors.ts";
import { PLACES, type Place } from "../../src/tetrad/index.ts";
import { utf8 } from "../../src/wire/index.ts";
import {
	FourDevices,
	type FourDevicesOptions,
	makeDevices,
} from "../support/four-devices.ts";
import { ADDRESS } from "../support/resuming.ts";
import { SecretsLeft } from "../support/secrets-left.ts";
import { type End, linkBetween, pairingBetween } from "../support/wire.ts";

const FILE = new URL("stories/secrets-left.txt", import.meta.url);

const ENDS: readonly End[] = ["agent", "module"];

const gaveUp = () => new TetradError("aborted", "its owner gave up");

/** What each device was given, and what is left of it, moment by moment. */
class Story {
	readonly left: Readonly<Record<Place, SecretsLeft>> = {
		A: new SecretsLeft(),
		B: new SecretsLeft(),
		X: new SecretsLeft(),
		Y: new SecretsLeft(),
	};
	/** What was left in the same way at several moments stands together. */
	readonly #moments = new Map<string, string[]>();

	begin(): void {
		for (const place of PLACES) this.left[place].forget();
	}

	say(what: string, places: readonly Place[] = PLACES): void {
		const lines = places.map((place) => `\t${place} ${this.left[place].text}`);
		const said = lines.join("\n");
		this.#moments.set(said, [...(this.#moments.get(said) ?? []), what]);
	}

	get text(): string {
		const all = [...this.#moments].flatMap(([said, whats]) => [...whats, said]);
		return `${all.join("\n")}\n`;
	}
}

/** Until nothing is on its way, and every deadline of those who wait is over. */
async function toItsEnd(four: FourDevices): Promise<void> {
	await four.run();
	for (const place of PLACES) {
		const { deadline, ended } = four[place];
		if (ended || deadline === undefined) continue;
		four.apply(place, four[place].time(deadline));
		await four.run();
	}
}

async function tellTetrads(
	story: Story,
	how: string,
	begin: () => Promise<FourDevices>,
): Promise<void> {
	const whole = await (await begin()).establish();
	story.say(`${how}, confirmed`);
	const messages = whole.posted.length;
	for (const place of PLACES)
		whole.apply(place, whole[place].send(utf8("something")));
	await whole.run();
	whole.apply("A", whole.A.close(whole.now));
	await toItsEnd(whole);
	story.say(`${how}, closed`);
	for (let nth = 0; nth < messages; nth++) {
		const late = await begin();
		late.intercept = (sent) => (late.posted.length === nth + 1 ? [] : [sent]);
		await late.establish();
		await toItsEnd(late);
		story.say(`${how}, message ${nth} is lost`);
		const four = await begin();
		four.start();
		await four.run(() => four.delivered.length === nth);
		for (const place of PLACES) four.apply(place, four[place].abort(gaveUp()));
		await toItsEnd(four);
		story.say(`${how}, all give up before message ${nth} is there`);
	}
}

type AnyWire = ReturnType<typeof linkBetween | typeof pairingBetween>;

async function tellWires(
	story: Story,
	how: string,
	begin: () => AnyWire,
): Promise<void> {
	const whole = begin();
	await whole.start();
	story.say(`${how}, made`, ["A", "X"]);
	const frames = whole.posted.length;
	for (const end of ENDS) {
		const { [end]: one } = whole;
		whole.apply(end, "accept" in one ? one.accept() : one.close());
	}
	await whole.run();
	story.say(`${how}, done`, ["A", "X"]);
	for (let nth = 0; nth <= frames; nth++) {
		const wire = begin();
		for (const end of ENDS) wire.apply(end, wire[end].start());
		await wire.run(() => wire.delivered.length === nth);
		for (const end of ENDS) wire.apply(end, wire[end].abort(gaveUp()));
		await wire.run();
		story.say(`${how}, both give up before frame ${nth} is there`, ["A", "X"]);
	}
}

export async function tell(): Promise<string> {
	const story = new Story();
	const options: FourDevicesOptions = {
		crypto: (place) => story.left[place].crypto,
		suites: ["hybrid-chachapoly-aesgcm"],
		algorithm: "Ed25519",
		firstMessage: utf8("hello"),
	};
	const { devices, now } = await makeDevices(options);
	await tellTetrads(story, "of a tetrad", async () => {
		const four = await FourDevices.from(devices, now, options);
		story.begin();
		return four;
	});
	const resuming = { ...options, address: ADDRESS };
	const { devices: keeping, now: then } = await makeDevices(resuming);
	await tellTetrads(story, "of one that resumes another", async () => {
		const before = await FourDevices.from(keeping, then, resuming);
		await before.establish();
		story.begin();
		return before.again();
	});
	const others = { ...options, responderSuites: ["classical-aesgcm"] } as const;
	const { devices: unlike, now: today } = await makeDevices({
		...others,
		suites: ["hybrid-chachapoly-aesgcm", "classical-aesgcm"],
	});
	const four = await FourDevices.from(unlike, today, others);
	story.begin();
	await four.establish();
	story.say("of a tetrad with another suite than was offered first, confirmed");
	four.apply("X", four.X.close());
	await toItsEnd(four);
	story.say("of a tetrad with another suite than was offered first, closed");
	const { A, X } = devices;
	await tellWires(story, "of a link", () => {
		story.begin();
		return linkBetween(A, X, now);
	});
	await tellWires(story, "of a pairing", () => {
		story.begin();
		return pairingBetween(A, X, now);
	});
	return story.text;
}

export const writtenDown = (): string => readFileSync(FILE, "utf8");

export async function writeDown(): Promise<void> {
	writeFileSync(FILE, await tell());
}
