export { freePorts } from "./free-ports.ts";
export {
	creditInSandbox,
	forgetSandbox,
	hasSandbox,
	makeSandbox,
	removeSandbox,
	sandboxMint,
	sandboxParts,
} from "./make-sandbox.ts";
export {
	completeSide,
	deviceHome,
	isCertified,
	makeSide,
	makeSideFolder,
	type NewMoney,
	type NewSide,
	requestDevice,
	UNFINISHED,
} from "./new-side.ts";
export { pairHomes } from "./pair-homes.ts";
export { readWorld, type World } from "./world.ts";
