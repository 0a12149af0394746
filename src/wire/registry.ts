/*
 * Every number that says which message the bytes behind it are, and where it is read. All rooms
 * take theirs from here, so that no two messages of one place begin alike. A number is never used
 * again for something else.
 */

/**
 * The types of frames. Everything that crosses a carrier is a frame (docs/protocol.md, "Frames").
 */
export const FRAME = {
	/** A→B, flight 1: the raw offer and message 1 of session 1. */
	offer: 0x01,
	/** B→A, instead of flight 2: the suite that the responder would accept. */
	retry: 0x02,
	/** B→A, flight 2: message 2 of session 1. */
	answer: 0x03,
	/** Either way, in clear: the sender stops. A hint and never a proof. */
	refusal: 0x04,
	/** A sealed record of a session. */
	record: 0x05,
	/** B→A, instead of flight 2: B is busy, and takes the same offer when it comes with this cookie. */
	cookie: 0x06,
	/** A→B, after a cookie: flight 1 once more, with the cookie. */
	cookieOffer: 0x07,
	/** B→A, instead of flight 2 of a resumption: the token is of no use here, and an offer without one is taken. */
	anew: 0x08,
	/** Agent to module: message 1 of a paired link. */
	linkHello: 0x10,
	/** Module to agent: message 2 of a paired link. */
	linkAnswer: 0x11,
	/** Both ways: the sender's chain on an open link. */
	openHello: 0x12,
	/** Both ways: a message on an open link, in clear. */
	openMessage: 0x13,
	/** Agent to module: message 1 of a pairing. */
	pairHello: 0x20,
	/** Module to agent: message 2 of a pairing. */
	pairAnswer: 0x21,
} as const;

/** A value of `FRAME`: the first byte of a frame. */
export type FrameType = (typeof FRAME)[keyof typeof FRAME];

/** The body of a refusal: one byte, and any other than these says no more than `stopped`. */
export const REFUSAL = {
	/** The sender stops, and does not say why. */
	stopped: 0x00,
	/** It has too much to do: the same may succeed in a moment. */
	busy: 0x01,
} as const;

/** What a record carries. The type is sealed with the content, so a wire shows only lengths. */
export const CONTENT = {
	/** A flight of an establishment, a link or a pairing. */
	handshake: 0x00,
	/** A message of the application. */
	message: 0x01,
	/** A record of session 2, inside session 1. */
	nested: 0x02,
	/** The sender will send nothing more. */
	close: 0x03,
	/** A message between an agent and its module, on a link. */
	link: 0x04,
	/** A message about untrusted lists, between the agents. */
	lists: 0x05,
	/** Two or more contents that waited together, each with its own type. */
	several: 0x06,
} as const;

/** A value of `CONTENT`: one byte before each content. */
export type ContentType = (typeof CONTENT)[keyof typeof CONTENT];

/** The type byte of a message on a link. */
export const LINK = {
	begin: 0x01,
	prepared: 0x02,
	bindInitiator: 0x03,
	initiatorBound: 0x04,
	agentBound: 0x05,
	confirmInitiator: 0x06,
	initiatorConfirmed: 0x07,
	resume: 0x08,
	resumePrepared: 0x09,
	resumeBind: 0x0a,
	resumeBound: 0x0b,
	resumeConfirm: 0x0c,
	answer: 0x11,
	answered: 0x12,
	bindResponder: 0x13,
	responderBound: 0x14,
	confirmResponder: 0x15,
	resumeAnswer: 0x18,
	resumeAnswered: 0x19,
	resumeConfirmResponder: 0x1a,
	/** A record of session 2, to or from the other side. */
	nested: 0x20,
	/** A record of session 3 or 4. */
	local: 0x21,
	end: 0x22,
	/** A module cannot resume what its agent asks for. */
	tokenUnknown: 0x23,
	/** A chain that later messages name by its hash. Its tetrad id is zero. */
	chain: 0x30,
	/** A message about untrusted lists. Its tetrad id is zero. */
	lists: 0x31,
} as const;

/** A value of `LINK`: the byte that says what a link message is. */
export type LinkMessageType = (typeof LINK)[keyof typeof LINK];

/** The type byte of a message about untrusted lists. */
export const LIST_MESSAGE = {
	/** What the sender holds, as `encodeListNumbers` has it. */
	held: 0x01,
	/** A bundle begins. */
	list: 0x02,
	/** The next bytes of that bundle. */
	part: 0x03,
	/** The bundle was dealt with; the next one may come. */
	taken: 0x04,
} as const;

/** A file on its way from one agent to the other. */
export const FILE_MESSAGE = {
	fileOffer: 0x01,
	fileChunk: 0x02,
	fileEnd: 0x03,
	/** The receiver's word that it has the file. */
	fileAcknowledgement: 0x04,
} as const;

/** A text that a device says to another. */
export const TEXT_MESSAGE = { text: 0x10 } as const;

/** What two agents say about a payment before it is made. */
export const PAYMENT_TALK = {
	proposePayment: 0x12,
	paymentWelcome: 0x13,
	paymentUnwelcome: 0x14,
} as const;

/** Between the agents of a buyer and a merchant. */
export const BETWEEN_AGENTS_BYTE = {
	list: 0x50,
	items: 0x51,
	ask: 0x52,
	offer: 0x53,
	take: 0x54,
	merchandise: 0x55,
	chunk: 0x56,
	contract: 0x57,
	unavailable: 0x58,
	fetch: 0x59,
	cancel: 0x5a,
	offers: 0x5b,
	where: 0x5c,
	there: 0x5d,
} as const;

/** Between the modules of payer and payee. */
export const BETWEEN_MODULES_BYTE = {
	prepare: 0x20,
	prepared: 0x21,
	deliver: 0x22,
	accepted: 0x23,
	refused: 0x24,
} as const;

/** The same, of what is paid with ecash. */
export const LOCK_BYTE = {
	lockOffer: 0x25,
	lockAgreed: 0x26,
	lock: 0x27,
	lockClaimed: 0x28,
} as const;

/** Messages of money that go as one. */
export const SEVERAL_BYTE = { several: 0x2f } as const;

/** Between a module and the module of an issuer. */
export const WITH_ISSUER_BYTE = {
	hello: 0x30,
	welcome: 0x31,
	withdraw: 0x32,
	deposit: 0x33,
	exchange: 0x34,
	claim: 0x35,
	balance: 0x36,
	inquire: 0x37,
	issued: 0x38,
	booked: 0x39,
	account: 0x3a,
	declined: 0x3b,
	outcome: 0x3c,
	resolve: 0x3d,
	secret: 0x3e,
	sellingSecret: 0x3f,
} as const;

/** Between an agent and its own module. */
export const WITH_AGENT_BYTE = {
	pay: 0x40,
	paid: 0x41,
	expect: 0x42,
	expecting: 0x43,
	received: 0x44,
	failed: 0x45,
	witness: 0x46,
	settle: 0x47,
	settled: 0x48,
} as const;

/** Between an agent and its own module, about purchases. */
export const PURCHASE_BYTE = {
	buy: 0x60,
	bought: 0x61,
	waiting: 0x62,
	notBought: 0x63,
	cancel: 0x64,
	final: 0x65,
	closed: 0x66,
	purchases: 0x67,
	purchase: 0x68,
	resolve: 0x69,
	selling: 0x6a,
	seller: 0x6b,
	sell: 0x6c,
	goodsKey: 0x6d,
	unsold: 0x6e,
	sold: 0x6f,
	moneys: 0x70,
	moneysHeld: 0x71,
	recall: 0x72,
	soldTo: 0x73,
} as const;

/**
 * Where a number is read: as the type of a frame on one kind of carrier, as the type of a record's
 * content, as the type of a link message or of one about untrusted lists, or as the first byte of
 * what an application sends in a session of a tetrad.
 */
export type WirePlace =
	| "network"
	| "paired link"
	| "open link"
	| "pairing"
	| "inside session 1"
	| "record"
	| "link message"
	| "about lists"
	| "session 1"
	| "session 2"
	| "session 3 or 4";

/** One message: its name, its number, and where it is read. */
export interface RegisteredMessage {
	readonly name: string;
	readonly byte: number;
	readonly places: readonly WirePlace[];
}

const FRAME_PLACES: Readonly<Record<keyof typeof FRAME, readonly WirePlace[]>> =
	{
		offer: ["network"],
		retry: ["network"],
		answer: ["network"],
		refusal: ["network", "paired link", "open link", "pairing"],
		record: ["network", "paired link", "pairing", "inside session 1"],
		cookie: ["network"],
		cookieOffer: ["network"],
		anew: ["network"],
		linkHello: ["paired link"],
		linkAnswer: ["paired link"],
		openHello: ["open link"],
		openMessage: ["open link"],
		pairHello: ["pairing"],
		pairAnswer: ["pairing"],
	};

/** Every message of Tetrad. */
export const REGISTRY: readonly RegisteredMessage[] = [
	...Object.entries(FRAME).map(([name, byte]) => ({
		name,
		byte,
		places: FRAME_PLACES[name as keyof typeof FRAME],
	})),
	...registered(CONTENT, "record"),
	...registered(LINK, "link message"),
	...registered(LIST_MESSAGE, "about lists"),
	...registered(FILE_MESSAGE, "session 1"),
	...registered(TEXT_MESSAGE, "session 1", "session 2", "session 3 or 4"),
	...registered(PAYMENT_TALK, "session 1"),
	...registered(BETWEEN_AGENTS_BYTE, "session 1"),
	...registered(BETWEEN_MODULES_BYTE, "session 2"),
	...registered(LOCK_BYTE, "session 2"),
	...registered(WITH_ISSUER_BYTE, "session 2"),
	...registered(SEVERAL_BYTE, "session 2", "session 3 or 4"),
	...registered(WITH_AGENT_BYTE, "session 3 or 4"),
	...registered(PURCHASE_BYTE, "session 3 or 4"),
];

function registered(
	numbers: Readonly<Record<string, number>>,
	...places: readonly WirePlace[]
): RegisteredMessage[] {
	return Object.entries(numbers).map(([name, byte]) => ({
		name,
		byte,
		places,
	}));
}
