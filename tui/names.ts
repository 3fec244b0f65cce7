// Names as the screen shows them. Pure.

/** Everybody's namespace goes without saying. */
export const nameOf = (id: string): string => (id.startsWith("default/") ? id.slice("default/".length) : id);

/** The same within a text that begins with a name. */
export const namesIn = (text: string): string => text.replace(/(^|[\s(])default\/(?=[^\s/]+)/g, "$1");
