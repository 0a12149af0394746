/* An agent may buy and sell, and its module tells it of both in every tetrad that is open: what is about the other trade than the one in hand is heard elsewhere. */
import type { AgentSessionEvent } from "../../trade/agent/index.ts";
import { ABOUT_PURCHASES } from "../../trade/documents/index.ts";

/** Whether it is a module's word to an agent that sells. */
export function isForSellers(event: AgentSessionEvent): boolean {
	return isOf(FOR_SELLERS, event);
}

/** Whether it is a module's word to an agent that buys. */
export function isForBuyers(event: AgentSessionEvent): boolean {
	return isOf(FOR_BUYERS, event);
}

type Types = ReadonlySet<number | undefined>;

const FOR_SELLERS: Types = typesOf([
	"seller",
	"goodsKey",
	"unsold",
	"sold",
	"soldTo",
]);

const FOR_BUYERS: Types = typesOf([
	"bought",
	"waiting",
	"notBought",
	"closed",
	"purchase",
	"purchases",
]);

function typesOf(names: readonly (keyof typeof ABOUT_PURCHASES)[]): Types {
	return new Set(names.map((name) => ABOUT_PURCHASES[name].type));
}

function isOf(types: Types, event: AgentSessionEvent): boolean {
	return event.kind === "from-module" && types.has(event.bytes[0]);
}
