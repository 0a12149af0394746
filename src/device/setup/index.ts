export { freePorts } from "./free-ports.ts";
export {
	creditInSandbox,
	forgetSandbox,
	hasSandbox,
	makeSandbox,
	removeSandbox,
	SANDBOX_SIDES,
	type SandboxSide,
	sandboxParts,
} from "./make-sandbox.ts";
export {
	completeSide,
	deviceHome,
	isCertified,
	makeSideFolder,
	type NewMoney,
	type NewSide,
	requestDevice,
	UNFINISHED,
} from "./new-side.ts";
export { pairHomes } from "./pair-homes.ts";
