//! What processes hold, as Linux tells it; unknown elsewhere.

use serde::Serialize;

/// Peak resident memory of this process in MiB.
pub fn peak_rss_mb() -> Option<u64> {
    field("self", "VmHWM:")
}

/// Resident memory of a process in MiB.
pub(crate) fn rss_mb(pid: u32) -> Option<u64> {
    field(&pid.to_string(), "VmRSS:")
}

/// What this process holds.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Held {
    /// Open files, sockets and pipes.
    pub files: usize,
    /// Child processes, among them ended ones that nobody waited for.
    pub children: usize,
    /// Resident memory in KiB.
    pub rss_kib: u64,
}

/// What this process holds now.
pub fn held() -> Option<Held> {
    let me = std::process::id();
    // The name in parentheses may hold spaces: state and parent follow the last of them.
    let parent = |stat: String| stat.rsplit_once(')')?.1.split_whitespace().nth(1)?.parse::<u32>().ok();
    let stats =
        std::fs::read_dir("/proc").ok()?.filter_map(|p| std::fs::read_to_string(p.ok()?.path().join("stat")).ok());
    Some(Held {
        files: std::fs::read_dir("/proc/self/fd").ok()?.count(),
        children: stats.filter_map(parent).filter(|&p| p == me).count(),
        rss_kib: kib("self", "VmRSS:")?,
    })
}

fn field(process: &str, name: &str) -> Option<u64> {
    Some(kib(process, name)?.div_ceil(1024))
}

fn kib(process: &str, name: &str) -> Option<u64> {
    let status = std::fs::read_to_string(format!("/proc/{process}/status")).ok()?;
    let line = status.lines().find_map(|l| l.strip_prefix(name))?;
    line.trim().trim_end_matches("kB").trim().parse().ok()
}
