//! Description of the machine that produced the figures.

/// Processor model, number of cores and load, as a line to print above figures. Unknown parts are left out.
pub fn machine() -> String {
    let cpu = read("/proc/cpuinfo");
    let cpu = cpu.lines().find_map(|line| Some(line.strip_prefix("model name")?.split_once(": ")?.1.to_owned()));
    let cores = std::thread::available_parallelism().ok().map(|cores| format!("{cores} cores"));
    let load = read("/proc/loadavg").split_whitespace().next().map(|load| format!("load {load} before"));
    [cpu, cores, load].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
