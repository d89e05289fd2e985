"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.isUnambiguous = isUnambiguous;
exports.findRepeated = findRepeated;
/** With the flags i and u, as other languages do it: the long s and the Kelvin sign are letters of these names, too. */
const SPELLINGS = { method: /^method$/iu, params: /^params$/iu, name: /^name$/iu };
/** Whether a message can be read in one way only; `repeated` is missing where somebody parsed it before. */
function isUnambiguous(message, repeated, deciding) {
    if (!readsAlike(message, repeated?.message, ["method", "params"], deciding))
        return false;
    const { method, params } = message;
    if (typeof params !== "object" || params === null || Array.isArray(params))
        return true;
    return (deciding === "tool" && method !== "tools/call") || readsAlike(params, repeated?.params, ["name"], deciding);
}
function readsAlike(object, repeated = [], names, deciding) {
    if (deciding === "any" && repeated.length > 0)
        return false;
    return names.every((name) => {
        const otherSpelling = Object.keys(object).some((key) => key !== name && SPELLINGS[name].test(key));
        return !otherSpelling && !repeated.includes(name);
    });
}
/** Finds what is repeated in each message of a request; `json` must have passed `JSON.parse`. */
function findRepeated(json) {
    const scan = new Scanner(json);
    const found = [];
    const message = () => {
        found.push(scan.opens("{") ? readMessage(scan) : { message: [], params: [] });
        scan.skipValue();
    };
    if (scan.opens("["))
        scan.elements(message);
    else
        message();
    return found;
}
function readMessage(scan) {
    let params = [];
    const message = scan.members((name) => {
        if (name === "params" && scan.opens("{"))
            params = scan.members(() => scan.skipValue());
        else
            scan.skipValue();
    });
    return { message, params };
}
/** Walks through a JSON text that is known to be valid. It never recurses: a text may be nested as deeply as it is long. */
class Scanner {
    text;
    at = 0;
    constructor(text) {
        this.text = text;
    }
    /** Whether the next value starts with this character. */
    opens(character) {
        this.skipSpace();
        return this.text[this.at] === character;
    }
    /** Reads an object and returns the names that were there before; `value` reads each value. */
    members(value) {
        const names = new Set();
        const repeated = [];
        this.list("}", () => {
            const name = this.string();
            if (names.has(name))
                repeated.push(name);
            names.add(name);
            this.skipSpace();
            this.at += 1; // the colon
            value(name);
        });
        return repeated;
    }
    /** Reads an array; `value` reads each element. */
    elements(value) {
        this.list("]", value);
    }
    /** Goes on behind the next value; where none follows, it stays. */
    skipValue() {
        this.skipSpace();
        let depth = 0;
        for (; this.at < this.text.length; this.at += 1) {
            const character = this.text[this.at];
            if (character === '"')
                this.at = this.endOfString();
            else if (character === "{" || character === "[")
                depth += 1;
            else if (depth === 0 && (character === "," || character === "}" || character === "]"))
                return;
            else if (character === "}" || character === "]")
                depth -= 1;
        }
    }
    list(close, item) {
        this.at += 1;
        this.skipSpace();
        while (this.at < this.text.length && this.text[this.at] !== close) {
            item();
            this.skipSpace();
            if (this.text[this.at] === ",")
                this.at += 1;
            this.skipSpace();
        }
        this.at += 1;
    }
    string() {
        const start = this.at;
        this.at = this.endOfString() + 1;
        return JSON.parse(this.text.slice(start, this.at));
    }
    /** Returns where the string that starts here ends. */
    endOfString() {
        let end = this.at + 1;
        while (end < this.text.length && this.text[end] !== '"')
            end += this.text[end] === "\\" ? 2 : 1;
        return end;
    }
    skipSpace() {
        while (" \t\n\r".includes(this.text[this.at] ?? "x"))
            this.at += 1;
    }
}
