export { whyForeign } from "./foreign.ts";
export {
	authority,
	isLoopback,
	listenHttp,
	ownHosts,
} from "./serving.ts";
export { tokenCheck } from "./token.ts";
