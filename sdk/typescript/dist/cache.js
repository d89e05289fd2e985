"use strict";
Object.defineProperty(exports, "__esModule", { value: true });
exports.BoundedCache = void 0;
/** A map that holds a bounded number of entries, each until a given time; the entry set longest ago goes first. */
class BoundedCache {
    limit;
    now;
    entries = new Map();
    constructor(limit, now) {
        this.limit = limit;
        this.now = now;
    }
    /** Returns the value unless its time is over. */
    get(key) {
        const entry = this.entries.get(key);
        if (!entry)
            return undefined;
        if (this.now() < entry.until)
            return entry.value;
        this.entries.delete(key);
        return undefined;
    }
    /** Keeps the value until a time in milliseconds since the epoch. */
    set(key, value, until) {
        if (until <= this.now())
            return;
        this.entries.delete(key);
        if (this.entries.size >= this.limit) {
            const oldest = this.entries.keys().next();
            if (!oldest.done)
                this.entries.delete(oldest.value);
        }
        this.entries.set(key, { value, until });
    }
    /** How many entries are held, expired ones included. */
    get size() {
        return this.entries.size;
    }
}
exports.BoundedCache = BoundedCache;
