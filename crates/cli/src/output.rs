//! What reaches the screen: errors, JSON lines, colour and progress bars.

use crate::args::{ColorChoice, Global};
use indicatif::{MultiProgress, ProgressBar, ProgressDrawTarget, ProgressStyle};
use serde::Serialize;
use std::io::{IsTerminal, Write};
use std::sync::OnceLock;

#[derive(Clone, Copy, Debug)]
struct Settings {
    color_out: bool,
    color_err: bool,
    quiet: bool,
}

static SETTINGS: OnceLock<Settings> = OnceLock::new();

/// Takes the global flags; called once, first.
pub(crate) fn configure(global: &Global) {
    let wanted = |terminal: bool| match global.color {
        ColorChoice::Always => true,
        ColorChoice::Never => false,
        // https://no-color.org: set and not empty.
        ColorChoice::Auto => terminal && std::env::var_os("NO_COLOR").is_none_or(|v| v.is_empty()),
    };
    let settings = Settings {
        color_out: wanted(std::io::stdout().is_terminal()),
        color_err: wanted(std::io::stderr().is_terminal()),
        quiet: global.quiet,
    };
    let _ = SETTINGS.set(settings);
}

fn settings() -> Settings {
    *SETTINGS.get_or_init(|| Settings { color_out: false, color_err: false, quiet: false })
}

/// Whether standard output is coloured.
pub(crate) fn color_out() -> bool {
    settings().color_out
}

/// Whether standard error is coloured.
pub(crate) fn color_err() -> bool {
    settings().color_err
}

/// A line on standard output.
pub(crate) fn line(text: impl AsRef<str>) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    out.write_all(text.as_ref().as_bytes())?;
    out.write_all(b"\n")?;
    Ok(())
}

/// Text on standard output as it is.
pub(crate) fn text(text: &str) -> anyhow::Result<()> {
    std::io::stdout().lock().write_all(text.as_bytes())?;
    Ok(())
}

/// Records as comma-separated values on standard output.
pub(crate) fn csv(records: &[Vec<String>]) -> anyhow::Result<()> {
    text(&archsmith_report::csv(records))
}

/// A long text on standard output: through the pager where that is a terminal. `PAGER` names it (`less` by default); set and
/// empty, there is none.
pub(crate) fn paged(text: &str) -> anyhow::Result<()> {
    let pager = std::env::var("PAGER").unwrap_or_else(|_| "less".into());
    let mut words = pager.split_whitespace();
    let (Some(program), true) = (words.next(), std::io::stdout().is_terminal()) else { return line(text) };
    let mut command = std::process::Command::new(program);
    command.args(words).stdin(std::process::Stdio::piped());
    if std::env::var_os("LESS").is_none() {
        // What fits the screen stays on it; colours and long lines as they are.
        command.env("LESS", "FRSX");
    }
    let Ok(mut child) = command.spawn() else { return line(text) };
    if let Some(mut input) = child.stdin.take() {
        // A reader that has seen enough closes the pipe.
        let _ = input.write_all(text.as_bytes()).and_then(|()| input.write_all(b"\n"));
    }
    child.wait()?;
    Ok(())
}

/// One JSON object on a line of standard output.
pub(crate) fn json<T: Serialize>(value: &T) -> anyhow::Result<()> {
    let mut out = std::io::stdout().lock();
    serde_json::to_writer(&mut out, value)?;
    out.write_all(b"\n")?;
    out.flush()?;
    Ok(())
}

/// A line for a person, on standard error, unless `--quiet`.
pub(crate) fn note(text: impl AsRef<str>) {
    if !settings().quiet {
        let _ = writeln!(std::io::stderr().lock(), "{}", text.as_ref());
    }
}

/// An error with its causes.
pub(crate) fn error(e: &anyhow::Error) {
    let (red, bold, off) = if color_err() { ("\x1b[1;31m", "\x1b[1m", "\x1b[0m") } else { ("", "", "") };
    let mut err = std::io::stderr().lock();
    let mut causes = e.chain().map(ToString::to_string);
    let first = causes.next().unwrap_or_default();
    let _ = writeln!(err, "{red}error{off}{bold}: {first}{off}");
    let mut last = first;
    for cause in causes.filter(|c| !c.is_empty()) {
        // Many errors print their source themselves.
        if !last.contains(&cause) {
            let _ = writeln!(err, "  because: {cause}");
        }
        last = cause;
    }
}

/// Whether the reader of standard output went away (`archsmith ops | head`), which is no error.
pub(crate) fn is_closed_pipe(e: &anyhow::Error) -> bool {
    e.chain().any(|c| c.downcast_ref::<std::io::Error>().is_some_and(|e| e.kind() == std::io::ErrorKind::BrokenPipe))
}

/// A progress bar over `len` things, on standard error when that is a terminal; otherwise invisible.
pub(crate) fn bar(len: u64, what: &'static str) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(Some(len), target());
    if let Ok(style) = ProgressStyle::with_template("{prefix:>10} [{bar:30}] {pos}/{len} {msg} {eta_precise}") {
        bar.set_style(style.progress_chars("━╸ "));
    }
    bar.set_prefix(what);
    bar
}

/// So many lines that stay in their place, on standard error when that is a terminal; `None` otherwise.
pub(crate) fn lines(count: usize) -> Option<(MultiProgress, Vec<ProgressBar>)> {
    if settings().quiet || !std::io::stderr().is_terminal() {
        return None;
    }
    let all = MultiProgress::with_draw_target(target());
    let style = ProgressStyle::with_template("{wide_msg}").ok()?;
    let line = |_| all.add(ProgressBar::new_spinner().with_style(style.clone()));
    let lines = (0..count).map(line).collect();
    Some((all, lines))
}

/// A spinner with a message, for work of unknown length.
pub(crate) fn spinner(what: impl Into<String>) -> ProgressBar {
    let bar = ProgressBar::with_draw_target(None, target());
    if let Ok(style) = ProgressStyle::with_template("{spinner} {msg} {elapsed}") {
        bar.set_style(style);
    }
    bar.set_message(what.into());
    bar.enable_steady_tick(std::time::Duration::from_millis(120));
    bar
}

/// A spinner that becomes a bar of bytes while a file is fetched. It goes when it is dropped.
pub(crate) struct Loading {
    bar: ProgressBar,
    what: String,
    file: String,
}

impl Loading {
    pub(crate) fn new(what: String) -> Loading {
        Loading { bar: spinner(what.clone()), what, file: String::new() }
    }

    /// `done` of `of` bytes of a file are here.
    pub(crate) fn transfer(&mut self, file: &str, done: u64, of: u64) {
        let template = if done >= of {
            "{spinner} {msg} {elapsed}"
        } else {
            "{msg} [{bar:30}] {bytes}/{total_bytes} {bytes_per_sec} {eta_precise}"
        };
        let now = if done >= of { "" } else { file };
        if now != self.file {
            self.file = now.to_string();
            if let Ok(style) = ProgressStyle::with_template(template) {
                self.bar.set_style(style.progress_chars("━╸ "));
            }
            self.bar.set_message(if now.is_empty() { self.what.clone() } else { now.to_string() });
            // What an earlier, interrupted download brought is not counted into the rate.
            self.bar.set_length(of);
            self.bar.set_position(done);
            self.bar.reset_eta();
        }
        self.bar.set_position(done);
    }
}

impl Drop for Loading {
    fn drop(&mut self) {
        self.bar.finish_and_clear();
    }
}

fn target() -> ProgressDrawTarget {
    if settings().quiet || !std::io::stderr().is_terminal() {
        ProgressDrawTarget::hidden()
    } else {
        ProgressDrawTarget::stderr()
    }
}
