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
require("azurite/dist/src/azurite.js");
