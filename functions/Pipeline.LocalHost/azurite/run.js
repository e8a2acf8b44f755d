// Runs Azurite and ends with the process that started it, however that ended.
const parent = Number(process.env.PIPELINE_PARENT);
setInterval(() => {
  try {
    process.kill(parent, 0);
  } catch {
    process.exit(0);
  }
}, 1000).unref();
require("azurite/dist/src/azurite.js");
