//! `archsmith doctor`.

use crate::args::DoctorArgs;
use crate::{Ending, output};
use archsmith_ir::summary::grouped;
use serde::Serialize;
use std::path::{Path, PathBuf};

#[derive(Debug, Serialize)]
struct Finding {
    what: &'static str,
    ok: bool,
    found: String,
    /// What to do about it, and what it is needed for.
    help: Option<String>,
}

fn finding(what: &'static str, ok: bool, found: impl Into<String>, help: Option<&str>) -> Finding {
    Finding { what, ok, found: found.into(), help: help.map(ToString::to_string) }
}

pub(super) fn doctor(args: DoctorArgs) -> anyhow::Result<Ending> {
    let mut all = vec![cpu(), memory(), disk(), model(), sample(), archsmith()];
    all.extend(more());
    all.extend(cuda());
    for f in &all {
        if args.json {
            output::json(f)?;
        } else {
            output::line(format!("{} {:<16} {}", if f.ok { "ok     " } else { "missing" }, f.what, f.found))?;
            if let Some(help) = &f.help {
                output::line(format!("        {:<16} {help}", ""))?;
            }
        }
    }
    // Only what the default run needs decides; a missing GPU is no failure, nor are other data and models.
    let optional = ["cuda", "nvrtc", "cuda headers", "fashion-mnist", "cifar10", "cifar100", "models"];
    let essential = all.iter().filter(|f| !optional.contains(&f.what));
    Ok(if essential.clone().all(|f| f.ok) { Ending::Done } else { Ending::No })
}

fn cpu() -> Finding {
    let threads = std::thread::available_parallelism().map_or(1, usize::from);
    #[cfg(target_arch = "x86_64")]
    let simd = if std::arch::is_x86_feature_detected!("avx512f") {
        "AVX-512"
    } else if std::arch::is_x86_feature_detected!("avx2") && std::arch::is_x86_feature_detected!("fma") {
        "AVX2 and FMA"
    } else {
        "no AVX2: slow"
    };
    #[cfg(not(target_arch = "x86_64"))]
    let simd = std::env::consts::ARCH;
    finding("processor", true, format!("{threads} threads, {simd}"), None)
}

fn memory() -> Finding {
    let free = std::fs::read_to_string("/proc/meminfo").ok().and_then(|text| {
        let line = text.lines().find(|l| l.starts_with("MemAvailable:"))?;
        line.split_whitespace().nth(1)?.parse::<u64>().ok()
    });
    match free {
        Some(kib) => {
            let enough = kib >= 2 * 1024 * 1024;
            let help = (!enough).then_some("the default run takes about 2 GiB");
            finding("memory", enough, format!("{:.1} GiB free", kib as f64 / (1024.0 * 1024.0)), help)
        }
        None => finding("memory", true, "unknown on this system", None),
    }
}

fn disk() -> Finding {
    let probe = std::env::temp_dir().join(format!("archsmith-doctor-{}", std::process::id()));
    let written = std::fs::write(&probe, vec![0u8; 1 << 20]).and_then(|()| std::fs::remove_file(&probe));
    match written {
        Ok(()) => finding("disk", true, "temporary folder can be written", None),
        Err(e) => finding("disk", false, e.to_string(), Some("a run writes task files to the temporary folder")),
    }
}

fn model() -> Finding {
    match crate::wiring::load_model("embedded", 1) {
        Ok(m) => {
            let info = m.describe();
            finding(
                "embedded model",
                true,
                format!("{} parameters, vocabulary {}", grouped(info.parameters as u64), info.vocabulary),
                None,
            )
        }
        Err(e) => finding("embedded model", false, format!("{e:#}"), Some("this build is damaged; build it again")),
    }
}

fn sample() -> Finding {
    match archsmith_train::Dataset::embedded_sample() {
        Ok(d) => finding(
            "embedded data",
            true,
            format!("{} training and {} test images", d.train.labels.len(), d.test.labels.len()),
            None,
        ),
        Err(e) => finding("embedded data", false, e.to_string(), Some("this build is damaged; build it again")),
    }
}

/// Data sets and language models beyond the embedded ones that lie where they are looked for.
fn more() -> Vec<Finding> {
    let fashion = Path::new("/usr/share/datasets/fashion-mnist");
    let fashion = match fashion.join("train-images-idx3-ubyte.gz").is_file() {
        true => finding("fashion-mnist", true, format!("--data fashion-mnist --path {}", fashion.display()), None),
        false => finding(
            "fashion-mnist",
            false,
            "not found",
            Some("the whole set: Debian's package dataset-fashion-mnist, or any folder with its four files (--path)"),
        ),
    };
    let hub = hub_cache();
    let cached = |what: &'static str, help: &str| {
        let folder = hub.as_ref().map(|h| h.join(format!("datasets--uoft-cs--{what}")));
        match folder.filter(|f| f.is_dir()) {
            Some(folder) => finding(what, true, format!("--data {what}: {}", folder.display()), None),
            None => finding(what, false, "not in the hub's cache", Some(help)),
        }
    };
    let models: Vec<String> = hub
        .as_ref()
        .and_then(|h| std::fs::read_dir(h).ok())
        .into_iter()
        .flatten()
        .flatten()
        .filter_map(|e| Some(e.file_name().to_str()?.strip_prefix("models--")?.replace("--", "/")))
        .collect();
    let models = match models.len() {
        0 => finding(
            "models",
            false,
            "none in the hub's cache",
            Some("--model takes a GGUF file, a folder of safetensors or a hub repository"),
        ),
        _ => finding("models", true, models.join(", "), None),
    };
    let help = "--data with --path, a folder of its files; without a path the hub is asked";
    vec![fashion, cached("cifar10", help), cached("cifar100", help), models]
}

/// Where the model hub's client keeps what it has fetched.
fn hub_cache() -> Option<PathBuf> {
    let set = |name: &str| std::env::var_os(name).filter(|v| !v.is_empty()).map(PathBuf::from);
    let home = || set("HOME").map(|h| h.join(".cache/huggingface"));
    Some(set("HF_HOME").or_else(home)?.join("hub"))
}

fn archsmith() -> Finding {
    let features = if cfg!(feature = "cuda") { "cpu, cuda" } else { "cpu" };
    finding("archsmith", true, format!("{} with {features}", env!("CARGO_PKG_VERSION")), None)
}

fn cuda() -> Vec<Finding> {
    if !cfg!(feature = "cuda") {
        return vec![finding(
            "cuda",
            false,
            "not in this build",
            Some("only for NVIDIA GPUs: cargo install --path crates/cli --features cuda"),
        )];
    }
    let library = |names: &[&str]| {
        let folders = ["/usr/lib/x86_64-linux-gnu", "/usr/lib64", "/usr/local/cuda/lib64", "/usr/lib/wsl/lib"];
        let extra = std::env::var("LD_LIBRARY_PATH").unwrap_or_default();
        let all = extra.split(':').filter(|s| !s.is_empty()).chain(folders);
        all.flat_map(|f| names.iter().map(move |n| Path::new(f).join(n))).find(|p| p.exists())
    };
    let report = |what, names: &[&str], help: &str| match library(names) {
        Some(path) => finding(what, true, path.display().to_string(), None),
        None => finding(what, false, "not found", Some(help)),
    };
    let headers = std::env::var("CUDA_PATH").unwrap_or_else(|_| "/usr/local/cuda".into());
    let found = Path::new(&headers).join("include/cuda_runtime.h").exists();
    vec![
        report("cuda", &["libcuda.so.1", "libcuda.so"], "install the NVIDIA driver"),
        report(
            "nvrtc",
            &["libnvrtc.so", "libnvrtc.so.12", "libnvrtc.so.13"],
            "install the CUDA toolkit's nvrtc, and set LD_LIBRARY_PATH",
        ),
        finding("cuda headers", found, headers, (!found).then_some("install the CUDA toolkit and set CUDA_PATH")),
    ]
}
