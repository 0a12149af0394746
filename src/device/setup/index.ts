export { freePorts } from "./free-ports.ts";
export {
	hasSandbox,
	makeSandbox,
	SANDBOX_SIDES,
	type SandboxAddresses,
	type SandboxSide,
	sandboxParts,
} from "./make-sandbox.ts";
export {
	type Certifiers,
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
