// Loaded before the measured program: writes down what the process used when it ends.
process.on("exit", () => {
  const { userCPUTime, systemCPUTime, maxRSS } = process.resourceUsage();
  const used = { cpuMs: (userCPUTime + systemCPUTime) / 1000, rssMib: maxRSS / 1024 };
  process.getBuiltinModule("node:fs").writeFileSync(process.env.CRUCIBLE_BENCH_USAGE, JSON.stringify(used));
});
