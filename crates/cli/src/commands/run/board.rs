//! The lines of [`Progress`] on a terminal, kept up to date while nothing happens too.

use super::dashboard::Progress;
use crate::commands::now_ms;
use crate::output;
use archsmith_archive::Event;
use indicatif::{MultiProgress, ProgressBar};
use std::sync::atomic::{AtomicBool, Ordering};
use std::sync::{Arc, Mutex, PoisonError};
use std::thread::JoinHandle;
use std::time::Duration;

/// How often the clock is looked at.
const REFRESH: Duration = Duration::from_millis(500);

/// Lines at the bottom of the terminal. They go when it is dropped.
pub(super) struct Board {
    shown: Arc<Shown>,
    clock: Option<JoinHandle<()>>,
}

struct Shown {
    progress: Mutex<Progress>,
    all: MultiProgress,
    lines: Vec<ProgressBar>,
    done: AtomicBool,
}

impl Shown {
    fn draw(&self, change: impl FnOnce(&mut Progress)) {
        let mut progress = self.progress.lock().unwrap_or_else(PoisonError::into_inner);
        change(&mut progress);
        for (line, text) in self.lines.iter().zip(progress.lines(now_ms())) {
            line.set_message(text);
        }
    }
}

impl Board {
    /// `None` where standard error is no terminal, or nothing is to be said.
    pub(super) fn new(progress: Progress) -> Option<Board> {
        let count = progress.lines(now_ms()).len();
        let (all, lines) = output::lines(count)?;
        let shown = Arc::new(Shown { progress: Mutex::new(progress), all, lines, done: AtomicBool::new(false) });
        let ticking = Arc::clone(&shown);
        let clock = std::thread::spawn(move || {
            while !ticking.done.load(Ordering::Relaxed) {
                ticking.draw(|_| {});
                std::thread::park_timeout(REFRESH);
            }
        });
        Some(Board { shown, clock: Some(clock) })
    }

    /// Takes what happened.
    pub(super) fn apply(&self, event: &Event) {
        self.shown.draw(|progress| progress.apply(event, now_ms()));
    }

    /// A line above, which stays.
    pub(super) fn say(&self, text: &str) {
        // A terminal that is gone is nobody to tell.
        let _ = self.shown.all.println(text);
    }
}

impl Drop for Board {
    fn drop(&mut self) {
        self.shown.done.store(true, Ordering::Relaxed);
        if let Some(clock) = self.clock.take() {
            clock.thread().unpark();
            let _ = clock.join();
        }
        self.shown.lines.iter().for_each(ProgressBar::finish_and_clear);
        let _ = self.shown.all.clear();
    }
}
