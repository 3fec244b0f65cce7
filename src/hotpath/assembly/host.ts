// What the module asks JavaScript for.

/** The value of a number's text where the module is not sure, NaN where it is none: bit-equal to Number(text). */
@external("host", "number")
export declare function numberOf(text: usize, length: u32): f64;

/** A series is new to a read: its floor and the rest are set by setSeries(). */
@external("host", "learned")
export declare function learned(read: usize, id: u32): void;
