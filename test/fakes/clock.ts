// Tests run in the time of rehearsals.
export { settled, VirtualClock as FakeClock } from "../../src/rehearse/virtual-clock.ts";
