import type { AgentStore, DeviceIdentity, TrustedAgent } from "tetrad";
import { type Shop, TradingAgent } from "tetrad/trade";

export async function buyPhoto(
	agent: TrustedAgent,
	store: AgentStore,
): Promise<void> {
	const trading = new TradingAgent({ agent, store });
	const quote = await trading.quote("shop.example:7000", "photo.jpg");
	if (quote.offer.amount > 420n) throw new Error("too dear");
	for await (const step of trading.buy(quote, { to: { path: "photo.jpg" } }))
		console.log(step.kind);
}

export async function sell(
	agent: TrustedAgent,
	store: AgentStore,
	{ signer }: DeviceIdentity,
	shop: Shop,
	signal: AbortSignal,
): Promise<void> {
	const trading = new TradingAgent({ agent, store, signer });
	await trading.resume("issuer.example:7100", { isIssuer: true, sells: true });
	await trading.sell("0.0.0.0:7000", shop, { signal });
}
