/** A map that holds a bounded number of entries, each until a given time; the entry set longest ago goes first. */
export declare class BoundedCache<Value> {
    private readonly limit;
    private readonly now;
    private readonly entries;
    constructor(limit: number, now: () => number);
    /** Returns the value unless its time is over. */
    get(key: string): Value | undefined;
    /** Keeps the value until a time in milliseconds since the epoch. */
    set(key: string, value: Value, until: number): void;
    /** How many entries are held, expired ones included. */
    get size(): number;
}
