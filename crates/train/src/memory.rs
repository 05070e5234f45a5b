//! Resident memory of processes, as Linux tells it; unknown elsewhere.

/// Peak resident memory of this process in MiB.
pub fn peak_rss_mb() -> Option<u64> {
    field("self", "VmHWM:")
}

/// Resident memory of a process in MiB.
pub(crate) fn rss_mb(pid: u32) -> Option<u64> {
    field(&pid.to_string(), "VmRSS:")
}

fn field(process: &str, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix(name))?;
    let kib: u64 = line.trim().trim_end_matches("kB").trim().parse().ok()?;
    Some(kib.div_ceil(1024))
}
