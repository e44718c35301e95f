/**
 * Node's own HTTP. Not by `import`: an ES module of Node has each of its exports read when it is loaded, and those of `node:http`
 * that belong to WebSocket load a second HTTP client then, which costs every start of a process more than all of ours.
 */

export const { createServer, request } = process.getBuiltinModule('node:http');
