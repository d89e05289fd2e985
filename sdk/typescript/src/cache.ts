/** A map that holds a bounded number of entries, each until a given time; the entry set longest ago goes first. */
export class BoundedCache<Value> {
  private readonly entries = new Map<string, { value: Value; until: number }>();

  constructor(
    private readonly limit: number,
    private readonly now: () => number,
  ) {}

  /** Returns the value unless its time is over. */
  get(key: string): Value | undefined {
    const entry = this.entries.get(key);
    if (!entry) return undefined;
    if (this.now() < entry.until) return entry.value;
    this.entries.delete(key);
    return undefined;
  }

  /** Keeps the value until a time in milliseconds since the epoch. */
  set(key: string, value: Value, until: number): void {
    if (until <= this.now()) return;
    this.entries.delete(key);
    if (this.entries.size >= this.limit) {
      const oldest = this.entries.keys().next();
      if (!oldest.done) this.entries.delete(oldest.value);
    }
    this.entries.set(key, { value, until });
  }

  /** How many entries are held, expired ones included. */
  get size(): number {
    return this.entries.size;
  }
}
