// The series of a response by the WebAssembly module (hotpath/assembly/scan.ts), as far as they are in the servers' own layout; it holds the
// bytes that wait, too. What it leaves, usual.ts reads: both give the same samples.
import { Buffer } from "node:buffer";
import { FULL, type Instance, MORE, type Staged } from "../../hotpath/module.ts";
import type { ScanOptions } from "./options.ts";

/** Series whose floors are set at a time. */
const AT_A_TIME = 4096;
/** In place of how many samples are expected: none can be late. */
const NEVER_LATE = -2;
const INT_MAX = 0x7fffffff;
/** What is set, before it goes into the module: whoever is asked for it may use the module's memory. */
const FLOORS = new Float64Array(AT_A_TIME);
const EXPECTED = new Int32Array(AT_A_TIME);
const TELLS = new Uint8Array(AT_A_TIME);

export class FastSeries {
  readonly #o: ScanOptions;
  readonly #module: Instance;
  readonly #read: number;
  #place: number;
  #room = 256 * 1024;

  constructor(o: ScanOptions) {
    this.#o = o;
    this.#module = o.keyspace.table.module;
    const { exports } = this.#module;
    this.#place = exports.allocate(this.#room);
    this.#read = exports.newRead(o.keyspace.place, o.nanIsStale ? 1 : 0);
    o.builder.with(this);
    const { size } = o.keyspace.table;
    for (let first = 0; first < size; first += AT_A_TIME) this.#set(first, Math.min(AT_A_TIME, size - first));
  }

  /** What it would leave to usual.ts anyway: all samples of a response may be late ones. */
  static isOfUse({ late }: ScanOptions): boolean {
    return late === undefined || late.expected !== undefined;
  }

  /** Series that have one sample, which is still in the module. */
  get singles(): number {
    return this.#module.exports.singles(this.#read);
  }

  /** Series that were read. */
  get count(): number {
    return this.#module.exports.seen(this.#read);
  }

  /** Puts a piece behind the `held` bytes that wait. */
  append(piece: Uint8Array, held: number): void {
    const module = this.#module;
    const length = held + piece.length;
    if (length > this.#room) {
      this.#room = 2 * length;
      const larger = module.exports.allocate(this.#room);
      module.bytes.copyWithin(larger, this.#place, this.#place + held);
      module.exports.release(this.#place);
      this.#place = larger;
    }
    module.bytes.set(piece, this.#place + held);
  }

  /** A copy of what waits. */
  copy(from: number, to: number): Buffer {
    return Buffer.from(this.#module.bytes.subarray(this.#place + from, this.#place + to));
  }

  /** The first `used` of `held` bytes are done with. */
  discard(used: number, held: number): void {
    if (used > 0) this.#module.bytes.copyWithin(this.#place, this.#place + used, this.#place + held);
  }

  /** Reads series in [from, held); `first`: none came before. Returns where it stopped, and whether more bytes would help. */
  scan(from: number, held: number, first: boolean): { at: number; wantsMore: boolean } {
    const { exports } = this.#module;
    let at = this.#place + from;
    for (;;) {
      const begins = first && at === this.#place + from;
      at = this.#module.scan(this.#read, at, this.#place + held, begins, this.#o.to, this.#learned);
      const why = exports.stoppedFor();
      this.#fetch();
      if (why !== FULL) return { at: at - this.#place, wantsMore: why === MORE };
    }
  }

  /** Samples of this series come from elsewhere: what is here goes before them. */
  take(series: number): void {
    this.#module.exports.take(this.#read, series);
    this.#fetch();
  }

  /** Gives `each` the single samples in the order of sending, in pieces. */
  collect(each: (staged: Staged) => void): void {
    const { exports } = this.#module;
    const { size } = this.#o.keyspace.table;
    for (let place = 0; place < size; ) {
      place = exports.collect(this.#read, place, size);
      this.#module.fetch(this.#read, each);
    }
  }

  close(): void {
    this.#module.exports.release(this.#place);
    this.#module.exports.freeRead(this.#read);
  }

  readonly #learned = (id: number): void =>
    this.#module.exports.setSeries(this.#read, id, this.#o.newerThan(id), this.#expected(id), this.#tells(id));

  #set(first: number, count: number): void {
    const { newerThan } = this.#o;
    const floors = FLOORS.subarray(0, count);
    if (this.#o.floors !== undefined) this.#o.floors(first, floors);
    else for (let i = 0; i < count; i++) floors[i] = newerThan(first + i);
    if (this.#o.late === undefined) EXPECTED.fill(NEVER_LATE, 0, count);
    else for (let i = 0; i < count; i++) EXPECTED[i] = this.#expected(first + i);
    if (this.#o.passedOver === undefined) TELLS.fill(0, 0, count);
    else for (let i = 0; i < count; i++) TELLS[i] = this.#tells(first + i);
    const at = this.#module.desk(13 * count);
    const { buffer } = this.#module.bytes;
    new Float64Array(buffer, at, count).set(floors);
    new Int32Array(buffer, at + 8 * count, count).set(EXPECTED.subarray(0, count));
    new Uint8Array(buffer, at + 12 * count, count).set(TELLS.subarray(0, count));
    this.#module.exports.setMany(this.#read, first, count, at, at + 8 * count, at + 12 * count);
  }

  #expected(id: number): number {
    const { late, newerThan } = this.#o;
    const { expected, from } = late ?? {};
    if (expected === undefined || from === undefined || newerThan(id) <= from) return NEVER_LATE;
    return Math.min(expected(id), INT_MAX);
  }

  #tells(id: number): number {
    const { passedOver, isKnown } = this.#o;
    return passedOver !== undefined && !isKnown?.(id) ? 1 : 0;
  }

  #fetch(): void {
    this.#module.fetch(this.#read, (staged) => this.#o.builder.addRuns(staged));
  }
}
