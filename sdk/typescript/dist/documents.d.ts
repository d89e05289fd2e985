/** The documents an MCP server shows to clients that look for its issuer. */
import type { IncomingMessage, ServerResponse } from "node:http";
import type { Configuration } from "./configuration.js";
/** Where clients look for a server's protected resource metadata (RFC 9728 section 3). */
export declare const RESOURCE_METADATA = "/.well-known/oauth-protected-resource";
/** Where clients of the first MCP authorization revision look for the issuer: at the MCP server itself. */
export declare const ISSUER_METADATA = "/.well-known/oauth-authorization-server";
/** Builds the protected resource metadata; `resource` and the issuer stay byte for byte what the project says. */
export declare function resourceMetadata(configuration: Configuration): Record<string, unknown>;
/** Where the metadata of a resource belongs: its path after the well-known path, on its own origin. */
export declare function standardMetadataUrl(resource: string): string;
/** Where the metadata is found below the resource itself, when the origin's well-known path is out of reach. */
export declare function nestedMetadataUrl(resource: string): string;
/** Removes one trailing slash from a path. */
export declare function trimSlash(path: string): string;
/** The path of a request target, without its query. */
export declare function pathOf(target: string | undefined): string;
/** Answers a request for a document: public, readable from any web page, 503 while the issuer cannot be asked. */
export declare function sendDocument(req: IncomingMessage, res: ServerResponse, load: () => Promise<unknown>): Promise<void>;
/** Answers 503 with Retry-After for trouble between this server and the issuer; rethrows everything else. */
export declare function sendUnavailable(req: IncomingMessage, res: ServerResponse, error: unknown): void;
