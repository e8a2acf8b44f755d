// Runs Azurite and ends with the process that started it, however that ended: a little later, so that a worker can write
// its checkpoint and give its message back, and as on SIGTERM, so that what is held in memory is written.
const grace = 3000; // ms
// What it says on its way out goes to a pipe that nobody reads any more: that must not end it before its files are written.
process.stdout.on("error", () => {});
process.stderr.on("error", () => {});
const parent = Number(process.env.PIPELINE_PARENT);
const watch = setInterval(() => {
  try {
    process.kill(parent, 0);
  } catch {
    clearInterval(watch);
    setTimeout(() => process.kill(process.pid, "SIGTERM"), grace);
  }
}, 250);
watch.unref();
// A server that closes waits for connections that were opened and never used (a client's pool has such) until it looks for them, which is half a minute:
// requests in hand get a second, then all are cut.
const http = require("http");
const close = http.Server.prototype.close;
http.Server.prototype.close = function (done) {
  setTimeout(() => this.closeAllConnections(), 1000).unref();
  return close.call(this, done);
};
require("azurite/dist/src/azurite.js");
