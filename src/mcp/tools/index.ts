export { AgentDoor } from "./agent-door.ts";
export { serveWalletHttp } from "./serve-http.ts";
export { serveWalletStdio } from "./serve-stdio.ts";
export { WalletTools } from "./wallet-tools.ts";
