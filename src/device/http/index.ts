export {
	authority,
	isLoopback,
	listenHttp,
	ownHosts,
} from "./serving.ts";
