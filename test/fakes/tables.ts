// Series tables for properties: a run gets the one of the run before, and a new one comes now and then, so that young and old ones are
// tried. One for each run is slow: beyond the fourth instance of a WebAssembly module that is alive, JavaScriptCore collects all garbage
// before it makes another, which takes 20 ms and more once the strings of fast-check fill the heap.
import { SeriesTable } from "../../src/series/table.ts";

const RENEW = 40;

/** Whoever asks gets a table that may have series. */
export function usedTables(): () => SeriesTable {
  let table = new SeriesTable();
  let uses = 0;
  return () => {
    if (++uses % RENEW === 0) table = new SeriesTable();
    return table;
  };
}
