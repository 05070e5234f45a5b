//! Steering what a model writes by someone who understands it.
//!
//! This crate does not know what its texts mean. A [`Guide`] does: it is shown each text at the end of every line and at
//! its end, and may refuse it. What was refused is taken back (the cache with it) and written again. Where nothing is
//! refused, the text is the one that would have been written without a guide: the distribution is touched only where the
//! guide objects.
//!
//! The number of tries is bounded at every place and for every answer; after that the answer ends as
//! [`crate::StopReason::Refused`], with the text as it stood.

/// What a guide says of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opinion {
    /// It may go on, or end.
    Stands,
    /// It cannot be the beginning of a text that stands.
    Refused {
        /// Byte offsets to which the text may be taken back, the most promising first. Each is tried a few times before
        /// the next one is.
        back: Vec<usize>,
    },
}

/// Judges texts as they are written. Called from several threads at once.
pub trait Guide: Sync {
    /// `text`: prefix and what the model wrote so far; it ends with a line break, perhaps with white space after it, unless
    /// it is `finished`: then the model has said that this is all.
    fn judge(&self, text: &str, finished: bool) -> Opinion;
}

/// Tries at one place.
const TRIES: u32 = 4;
/// Refusals of one answer.
const REFUSALS: usize = 60;
/// Tokens of one answer that may be taken back, as a multiple of the longest answer.
const WASTE: usize = 4;

/// The refusals of one answer.
#[derive(Debug, Default)]
pub(crate) struct Retries {
    /// Places that the text was taken back to and how often, in order of place.
    places: Vec<(usize, u32)>,
    pub(crate) refusals: usize,
    pub(crate) wasted: usize,
}

impl Retries {
    /// The place to go back to, or None when enough was tried. `limit`: the longest answer, in tokens.
    pub(crate) fn choose(&mut self, back: &[usize], limit: usize) -> Option<usize> {
        self.refusals += 1;
        if self.refusals > REFUSALS || self.wasted > WASTE * limit {
            return None;
        }
        let tried = |place: usize| self.places.iter().find(|p| p.0 == place).map_or(0, |p| p.1);
        let place = back.iter().copied().find(|&b| tried(b) < TRIES)?;
        // What lies behind this place is written anew.
        self.places.retain(|p| p.0 <= place);
        match self.places.iter_mut().find(|p| p.0 == place) {
            Some(p) => p.1 += 1,
            None => self.places.push((place, 1)),
        }
        Some(place)
    }

    /// By how much the temperature is raised at `place`, where the same thing was refused again and again: a confident model
    /// would repeat itself.
    pub(crate) fn warmth(&self, at: usize) -> f64 {
        let last = self.places.last().filter(|p| p.0 <= at && at < p.0 + 80);
        1.0 + 0.2 * last.map_or(0.0, |p| f64::from(p.1.saturating_sub(1)))
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn tries_are_bounded_and_go_further_back() {
        let mut r = Retries::default();
        let places: Vec<Option<usize>> = (0..9).map(|_| r.choose(&[20, 10], 100)).collect();
        assert_eq!(places[..4], [Some(20); 4]);
        // Going back to 10 forgets what was tried behind it.
        assert_eq!(places[4..9], [Some(10), Some(20), Some(20), Some(20), Some(20)]);
        let mut ends = 0;
        while r.choose(&[20, 10], 100).is_some() {
            ends += 1;
        }
        assert!(ends < 20, "{ends}");
        assert_eq!(Retries { wasted: 401, ..Retries::default() }.choose(&[1], 100), None);
    }
}
