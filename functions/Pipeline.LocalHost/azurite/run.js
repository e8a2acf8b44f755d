// Runs Azurite and ends with the process that started it, however that ended. It ends as on SIGTERM: what it holds in
// memory is written first.
const parent = Number(process.env.PIPELINE_PARENT);
const watch = setInterval(() => {
  try {
    process.kill(parent, 0);
  } catch {
    clearInterval(watch);
    process.kill(process.pid, "SIGTERM");
  }
}, 500);
watch.unref();
require("azurite/dist/src/azurite.js");
