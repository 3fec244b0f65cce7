// Finds many byte patterns in one pass over a text (Aho-Corasick): the work for a byte does not depend on how many patterns there are,
// nor on how often one nearly matches. Pure.

/** A pattern, as a string of bytes (latin1). `open`: only its beginning is known; what follows a match belongs to it too. */
export type Pattern = { bytes: string; open: boolean };

export class Automaton {
  /** Parallel arrays, one entry a node; node 0 is the root. A node stands for a prefix of some pattern. */
  readonly #parent: number[] = [0];
  readonly #byte: number[] = [0];
  readonly #depth: number[] = [0];
  readonly #next = new Map<number, number>();
  /** The node of the longest proper suffix that is a prefix of some pattern too. */
  readonly #fail: Int32Array;
  /** Length of the longest match that ends at a node; 0: none. */
  readonly #matched: Int32Array;
  readonly #open: Uint8Array;

  /** `enough`: a prefix of a pattern that is at least this long counts as a match. */
  constructor(patterns: readonly Pattern[], enough: number) {
    const ends = patterns.map(({ bytes }) => this.#insert(bytes));
    const size = this.#parent.length;
    this.#fail = new Int32Array(size);
    this.#matched = new Int32Array(size);
    this.#open = new Uint8Array(size);
    const isEnd = new Uint8Array(size);
    patterns.forEach(({ open }, i) => {
      isEnd[ends[i]!] = 1;
      if (open) this.#open[ends[i]!] = 1;
    });
    for (const node of this.#byDepth()) {
      const depth = this.#depth[node]!;
      const fail = depth === 1 ? 0 : this.step(this.#fail[this.#parent[node]!]!, this.#byte[node]!);
      this.#fail[node] = fail;
      this.#matched[node] = isEnd[node] === 1 || depth >= enough ? depth : this.#matched[fail]!;
      if (this.#open[fail] === 1) this.#open[node] = 1;
    }
  }

  /** The node after one more byte. Amortized constant over a text. */
  step(node: number, byte: number): number {
    for (let at = node; ; at = this.#fail[at]!) {
      const next = this.#next.get((at << 8) | byte);
      if (next !== undefined) return next;
      if (at === 0) return 0;
    }
  }

  /** Bytes of the longest match that ends here; 0: none. */
  matched(node: number): number {
    return this.#matched[node]!;
  }

  /** Does what follows belong to the match, however long it is? */
  isOpen(node: number): boolean {
    return this.#open[node] === 1;
  }

  /** Bytes of the longest prefix of a pattern that ends here. */
  begun(node: number): number {
    return this.#depth[node]!;
  }

  #insert(bytes: string): number {
    let node = 0;
    for (let i = 0; i < bytes.length; i++) {
      const key = (node << 8) | bytes.charCodeAt(i);
      let next = this.#next.get(key);
      if (next === undefined) {
        next = this.#parent.length;
        this.#next.set(key, next);
        this.#parent.push(node);
        this.#byte.push(bytes.charCodeAt(i));
        this.#depth.push(i + 1);
      }
      node = next;
    }
    return node;
  }

  /** All nodes but the root, the shallow ones first. */
  *#byDepth(): Generator<number> {
    const levels: number[][] = [];
    for (let node = 1; node < this.#depth.length; node++) (levels[this.#depth[node]!] ??= []).push(node);
    for (const level of levels) if (level !== undefined) yield* level;
  }
}
