import type { FacilitatorClient } from "@x402/core/server";
import type {
	SettleResponse,
	SupportedResponse,
	VerifyResponse,
} from "@x402/core/types";
import type { ErrorCode } from "../../errors.ts";
import { SCHEME, type TetradNetwork } from "../../paid/x402/index.ts";

const REFUSED: ErrorCode = "payment-refused";

/** Says that purchases are supported. There is nobody else to ask about them: what the scheme itself has not answered is refused. */
export class PurchaseFacilitator implements FacilitatorClient {
	readonly #network: TetradNetwork;

	constructor(network: TetradNetwork) {
		this.#network = network;
	}

	async getSupported(): Promise<SupportedResponse> {
		const network = this.#network;
		return {
			kinds: [{ x402Version: 2, scheme: SCHEME, network }],
			extensions: [],
			signers: {},
		};
	}

	async verify(): Promise<VerifyResponse> {
		return { isValid: false, invalidReason: REFUSED };
	}

	async settle(): Promise<SettleResponse> {
		const network = this.#network;
		return { success: false, transaction: "", network, errorReason: REFUSED };
	}
}
