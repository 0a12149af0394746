/*
 * Application messages, byte by byte and by hand, from docs/protocol.md (Application messages) and
 * docs/money.md (Messages). Never written by the code that they hold.
 */

export const CONTRACT: string = "c0".repeat(32);
/** enc(32 bytes, "bank.example"). */
export const ISSUER: string = `00000020${"d0".repeat(32)}0000000c62616e6b2e6578616d706c65`;
/** SHA-256 of "hello" (FIPS 180-4). */
export const HELLO_DIGEST =
	"2cf24dba5fb0a30e26e83b2ac5b9e29e1b161e5c1fa7425e73043362938b9824";

/** "PLAY", and 650 minor units. */
const MONEY = [
	`00000020${CONTRACT}`,
	`00000034${ISSUER}`,
	"00000004504c4159",
	"00000008000000000000028a",
].join("");

export const GOLDEN: Readonly<
	Record<
		| "text"
		| "fileOffer"
		| "fileChunk"
		| "fileEnd"
		| "fileAcknowledgement"
		| "proposePayment"
		| "paymentWelcome"
		| "paymentUnwelcome"
		| "witness"
		| "pay"
		| "expect"
		| "settle",
		string
	>
> = {
	/** "hello" */
	text: "1068656c6c6f",
	/** "a.txt" of 5 bytes */
	fileOffer: "0100000005612e747874000000080000000000000005",
	/** "hello" */
	fileChunk: "0268656c6c6f",
	fileEnd: `0300000020${HELLO_DIGEST}`,
	fileAcknowledgement: `0400000020${HELLO_DIGEST}`,
	/** For "tea". */
	proposePayment: `12${MONEY}00000003746561`,
	paymentWelcome: `1300000020${CONTRACT}`,
	/** "no", which is why. */
	paymentUnwelcome: `1400000020${CONTRACT}000000026e6f`,
	/** Head 7. */
	witness: `46000000080000000000000007${`00000020${"ab".repeat(32)}`}`,
	/** For "a book". */
	pay: `40${MONEY}000000066120626f6f6b`,
	/** For nothing that was said. */
	expect: `42${MONEY}00000000`,
	settle: `4700000034${ISSUER}`,
};
