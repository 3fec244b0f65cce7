// What `outflow rehearse` says of an outage, a 401 and a restart is what then happens to the compiled binary between real servers: attempts,
// losses and repeats. Delays depend on how busy the machine is: bench/rehearse.ts compares them too, and 413.
import assert from "node:assert/strict";
import { describe, test } from "node:test";
import { needs } from "../servers/found.ts";
import { type Comparison, rehearsedAndReal } from "../servers/rehearsed.ts";

/** A fault that lasted so much longer than it was to says nothing about how many attempts it took. */
const STARVED_MS = 2_000;
const starved = ({ starvedMs }: Comparison): boolean => starvedMs > STARVED_MS;

describe("a rehearsal and real servers", needs("victoria-metrics"), () => {
  test("an outage, 401 and a restart cost as many attempts as rehearsed, and lose and repeat as little", async () => {
    const run = () =>
      rehearsedAndReal(["outage, hold", "401", "restart"], {
        sinks: 2,
        series: 20,
        everyMs: 1_000,
        pollMs: 2_000,
        // Attempts after 1, 3, 7, 15 and 31 s, up to a fifth later; probes after 5, 20 and 65 s: none is near the end of the fault.
        faultMs: 28_000,
        catchesUp: false,
      });
    let compared = await run();
    if (compared.some(starved)) compared = await run();
    for (const one of compared) {
      const { fault, rehearsed, real } = one;
      assert.deepEqual([rehearsed.lost, rehearsed.repeats], [0, 0], fault);
      assert.ok(real.delivered > 0 && rehearsed.delivered > 0, fault);
      if (starved(one)) continue;
      assert.deepEqual([real.lost, real.repeats], [0, 0], fault);
      if (fault !== "restart")
        assert.equal(real.faultRequests, rehearsed.faultRequests, `${fault}: requests while it lasted`);
    }
  });
});
