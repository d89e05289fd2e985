/** Reads a registration secret: the address it carries says whom to ask. No message here ever repeats the secret. */
/** Returns the address inside a registration secret; throws a TypeError that says what to do otherwise. */
export declare function addressOfSecret(secret: unknown): string;
/** Says what is wrong with an issuer address, or returns undefined: https (http on this machine only), no trailing slash, nothing after the path. */
export declare function addressProblem(address: string): string | undefined;
/** Reports whether a URL's host name can only mean the machine the program runs on. */
export declare function isThisMachine(hostname: string): boolean;
