// Ink imports react-devtools-core only when DEV=true; the bundler needs the name all the same (tsconfig paths).
export default { initialize() {}, connectToDevTools() {} };
