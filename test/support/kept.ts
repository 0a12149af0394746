/*
 * What a machine keeps in memory: how much is in its collections, and in which states it is, also
 * in private fields. Only the inspector can look there.
 */
import { Session } from "node:inspector";

const session = new Session();
session.connect();

interface Remote {
	readonly type: string;
	readonly subtype?: string;
	readonly className?: string;
	readonly description?: string;
	readonly objectId?: string;
	readonly value?: unknown;
}

interface Property {
	readonly name: string;
	readonly value?: Remote;
}

interface Properties {
	readonly result: readonly Property[];
	readonly privateProperties?: readonly Property[];
	readonly internalProperties?: readonly Property[];
}

function ask<Result>(method: string, parameters: object): Result {
	let answer: Result | undefined;
	session.post(method, parameters, (error, result) => {
		if (error !== null) throw new Error(`${method}: ${error.message}`);
		answer = result as Result;
	});
	return answer as Result;
}

/** What the inspector is handed, and what it has met. */
const desk: { root?: object; met: WeakSet<object> } = { met: new WeakSet() };
Object.assign(globalThis, { [Symbol.for("tetrad kept")]: desk });
const DESK = 'globalThis[Symbol.for("tetrad kept")]';
const isNew = `function () { const { met } = ${DESK}; return !met.has(this) && Boolean(met.add(this)); }`;

function propertiesOf(objectId: string): Properties {
	const wanted = { objectId, ownProperties: true };
	return ask("Runtime.getProperties", wanted);
}

/** Of an array, or the values of a map or a set. */
function membersOf({ result, internalProperties }: Properties): Remote[] {
	const entries = internalProperties?.find(
		({ name }) => name === "[[Entries]]",
	);
	const inside = ({ value }: Property) =>
		value?.objectId === undefined ? [] : propertiesOf(value.objectId).result;
	const members =
		entries === undefined
			? result.filter(({ name }) => /^\d+$/.test(name))
			: inside(entries)
					.flatMap(inside)
					.filter(({ name }) => name === "value");
	return members.flatMap(({ value }) => (value === undefined ? [] : [value]));
}

const GROUP = "kept";
const SIZE = /^(?:Map|Set|Array)\((\d+)\)$/;

/**
 * By class and field: how many members collections have that are not empty, and which kind a
 * state is of. Objects of which `isOther` says so by their class or field are not looked into.
 */
export function kept(
	root: object,
	isOther: (name: string) => boolean,
): ReadonlyMap<string, string> {
	desk.root = root;
	desk.met = new WeakSet();
	const counts = new Map<string, number>();
	const add = (at: string, count: number) =>
		counts.set(at, (counts.get(at) ?? 0) + count);
	const walk = (at: string, { type, value, ...remote }: Remote) => {
		const { objectId, subtype, className = "", description = "" } = remote;
		if (type === "string" && at.endsWith(".kind")) add(`${at} ${value}`, 1);
		if (objectId === undefined || type !== "object" || isOther(className))
			return;
		if (subtype === "typedarray" || subtype === "arraybuffer") return;
		const { result } = ask<{ result: Remote }>("Runtime.callFunctionOn", {
			...{ objectId, functionDeclaration: isNew, returnByValue: true },
		});
		if (result.value !== true) return;
		const size = Number(SIZE.exec(description)?.[1] ?? 0);
		if (size > 0) add(at, size);
		if (subtype !== undefined && size === 0) return;
		const found = propertiesOf(objectId);
		if (subtype !== undefined) {
			for (const member of membersOf(found)) walk(`${at}[]`, member);
			return;
		}
		const within = className === "Object" ? at : className;
		for (const { name, value: inner } of [
			...(found.privateProperties ?? []),
			...found.result,
		])
			if (inner !== undefined && name !== "__proto__" && !isOther(name))
				walk(`${within}.${name}`, inner);
	};
	const { result } = ask<{ result: Remote }>("Runtime.evaluate", {
		...{ expression: `${DESK}.root`, objectGroup: GROUP },
	});
	walk("", result);
	ask("Runtime.releaseObjectGroup", { objectGroup: GROUP });
	delete desk.root;
	return new Map([...counts].map(([at, count]) => [at, `${count}`]));
}
