//! What the figures were measured on.

/// The processor, how many of it, and how busy they are: a line to print above figures. Parts that cannot be told are left out.
pub fn machine() -> String {
    let cpu =
        read("/proc/cpuinfo").lines().find_map(|line| line.strip_prefix("model name")?.split_once(": ").map(model));
    let cores = std::thread::available_parallelism().ok().map(|cores| format!("{cores} cores"));
    let load = read("/proc/loadavg").split_whitespace().next().map(|load| format!("load {load} before"));
    [cpu, cores, load].into_iter().flatten().collect::<Vec<_>>().join(", ")
}

fn model((_, name): (&str, &str)) -> String {
    name.to_owned()
}

fn read(path: &str) -> String {
    std::fs::read_to_string(path).unwrap_or_default()
}
