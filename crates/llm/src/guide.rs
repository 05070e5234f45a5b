//! Steering what a model writes by someone who understands it.
//!
//! This crate does not know what its texts mean. A [`Guide`] does: it is shown each text at the end of every line and at
//! its end, and may refuse it. What was refused is taken back (the cache with it) and written again. Where nothing is
//! refused, the text is the one that would have been written without a guide: the distribution is touched only where the
//! guide objects.
//!
//! What was refused is not written again. The refused texts of an answer form a tree of tokens, and each node knows how large a
//! share of what the model may write behind it is refused already; a token is drawn by its probability times the share that is
//! left behind it. So an answer follows the model's own distribution on condition that nothing known to be refused comes, and a
//! confident model does not repeat itself. A place where several tries failed counts as refused as a whole, and the answer is
//! taken further back.
//!
//! Tries are bounded at every place and for every answer; after that the answer ends as [`crate::StopReason::Refused`], with the
//! text as it stood.

use crate::grammar::Grammar;

/// What a guide says of a text.
#[derive(Debug, Clone, PartialEq, Eq)]
pub enum Opinion {
    /// It may go on, or end.
    Stands,
    /// It cannot be the beginning of a text that stands.
    Refused {
        /// Nothing that begins with this many bytes of it can stand.
        doomed: usize,
        /// Byte offsets to which the text may be taken back, the most promising first. Each is tried a few times before
        /// the next one is. The text's beginning is always the last of them.
        back: Vec<usize>,
    },
}

/// How far a text is that is judged.
#[derive(Debug, Clone, Copy, PartialEq, Eq)]
pub enum Moment {
    /// It goes on: it ends with a line break, perhaps with white space after it.
    Growing,
    /// The model has said that this is all.
    Finished,
    /// No more tokens are allowed: it ends anywhere.
    Full,
}

/// Judges texts as they are written. Called from several threads at once.
pub trait Guide: Sync {
    /// `text`: prefix and what the model wrote so far.
    fn judge(&self, text: &str, moment: Moment) -> Opinion;
}

/// What steers a model's writing.
#[derive(Clone, Copy, Default)]
pub enum Steering<'a> {
    /// Nothing: the model's own distribution.
    #[default]
    Off,
    /// A guide, which takes texts back.
    Guide(&'a dyn Guide),
    /// A grammar, which rules tokens out ([`crate::Model::grammar`]).
    Grammar(&'a Grammar),
}

/// Tries at the first place that a refusal names, and at each of the others, before one that is further back is tried.
const TRIES: (u32, u32) = (3, 2);
/// Tokens that may be taken back before the answer is begun anew, as a share of the longest answer; twice as many after each new
/// beginning. What mending costs is spread very unevenly: of an answer that went wrong early, more than a new one costs; and a
/// model that rarely gets through needs long mending.
const PATIENCE: f64 = 0.1;
/// A share of the continuations that is not worth another try.
const LITTLE: f64 = 0.01;

/// A token after those on the way to it.
#[derive(Debug)]
struct Node {
    token: u32,
    /// Its probability there.
    share: f64,
    /// The share of what may follow that is known to be refused.
    refused: f64,
    after: Vec<usize>,
}

/// What was refused of one answer.
#[derive(Debug)]
pub(crate) struct Refusals {
    /// The longest answer, and the tokens that may be taken back before it is given up.
    longest: usize,
    allowed: usize,
    nodes: Vec<Node>,
    /// The nodes of the text as it stands, from the beginning on.
    path: Vec<usize>,
    /// The length of the longest text that stood since the last new beginning, and the refusals since it was reached.
    furthest: usize,
    stuck: u32,
    /// Tokens taken back since the last new beginning, and how many may be, as a multiple of what the first beginning may.
    spent: usize,
    patience: f64,
    pub(crate) objections: usize,
    pub(crate) wasted: usize,
}

impl Refusals {
    /// `longest`: the longest answer, in tokens; `take_back`: so many times as many may be taken back.
    pub(crate) fn new(longest: usize, take_back: usize) -> Self {
        let root = Node { token: 0, share: 1.0, refused: 0.0, after: Vec::new() };
        Self {
            longest,
            allowed: take_back.saturating_mul(longest),
            nodes: vec![root],
            path: vec![0],
            furthest: 0,
            stuck: 0,
            spent: 0,
            patience: 1.0,
            objections: 0,
            wasted: 0,
        }
    }

    fn here(&self) -> usize {
        self.path.last().copied().unwrap_or(0)
    }

    /// The share of the continuations of `token`, written next, that is not refused.
    pub(crate) fn left(&self, token: u32) -> f64 {
        let known = self.nodes[self.here()].after.iter().find(|&&n| self.nodes[n].token == token);
        known.map_or(1.0, |&n| 1.0 - self.nodes[n].refused)
    }

    /// `token` was written, whose probability was `share`.
    pub(crate) fn push(&mut self, token: u32, share: f64) {
        let here = self.here();
        let known = self.nodes[here].after.iter().copied().find(|&n| self.nodes[n].token == token);
        let node = known.unwrap_or_else(|| {
            self.nodes.push(Node { token, share, refused: 0.0, after: Vec::new() });
            let node = self.nodes.len() - 1;
            self.nodes[here].after.push(node);
            node
        });
        self.path.push(node);
    }

    /// The text stands, `length` bytes of it.
    pub(crate) fn stands(&mut self, length: usize) {
        if length > self.furthest {
            (self.furthest, self.stuck) = (length, 0);
        }
    }

    /// Nothing that begins with the first `kept` tokens will do.
    fn refuse(&mut self, kept: usize) {
        self.nodes[self.path[kept]].refused = 1.0;
        for &at in self.path[..kept].iter().rev() {
            let refused =
                self.nodes[at].after.iter().map(|&n| self.nodes[n].share * self.nodes[n].refused).sum::<f64>();
            let node = &mut self.nodes[at];
            node.refused = node.refused.max(refused.min(1.0));
        }
    }

    /// The text is refused. Gives the number of tokens that are kept, or `None` when enough was tried. `doomed`: so many tokens
    /// are enough to refuse it; `places`: how many tokens each place keeps, the most promising first.
    pub(crate) fn take_back(&mut self, doomed: usize, places: &[usize]) -> Option<usize> {
        let written = self.path.len() - 1;
        self.objections += 1;
        self.refuse(doomed.min(written));
        if self.wasted > self.allowed {
            return None;
        }
        let anew = self.spent as f64 > self.patience * PATIENCE * self.longest as f64;
        let skipped = (self.stuck + TRIES.1).saturating_sub(TRIES.0) / TRIES.1;
        self.stuck += 1;
        let mut given_up = doomed.min(written);
        for (i, kept) in places.iter().copied().chain([0]).enumerate() {
            // A place within a text that is given up is no place to go on from.
            if kept >= given_up || anew && kept > 0 {
                continue;
            }
            if (i as u32) < skipped && kept > 0 || 1.0 - self.nodes[self.path[kept]].refused < LITTLE {
                self.refuse(kept);
                given_up = kept;
                continue;
            }
            self.wasted += written - kept;
            self.spent += written - kept;
            self.path.truncate(kept + 1);
            if kept == 0 {
                (self.furthest, self.stuck, self.spent) = (0, 0, 0);
                self.patience *= 2.0;
            }
            return Some(kept);
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn write(r: &mut Refusals, tokens: &[(u32, f64)]) {
        tokens.iter().for_each(|&(token, share)| r.push(token, share));
    }

    #[test]
    fn what_is_refused_leaves_the_rest_in_proportion() {
        let mut r = Refusals::new(100, 12);
        write(&mut r, &[(1, 0.5), (2, 0.4), (3, 0.5)]);
        assert_eq!(r.take_back(9, &[1]), Some(1));
        assert_eq!(r.left(7), 1.0);
        // Behind 2 one half is refused.
        assert_eq!(r.left(2), 0.5);
        write(&mut r, &[(2, 0.4), (4, 0.5)]);
        assert_eq!(r.take_back(9, &[1]), Some(1));
        assert_eq!(r.left(2), 0.0);
        assert!((r.nodes[r.path[1]].refused - 0.4).abs() < 1e-12 && (r.nodes[0].refused - 0.2).abs() < 1e-12);
        assert_eq!((r.objections, r.wasted), (2, 4));
    }

    #[test]
    fn a_place_that_fails_is_given_up_for_one_further_back() {
        let mut r = Refusals::new(1000, 12);
        let mut kept = Vec::new();
        for i in 0..8 {
            let first = r.path.len() as u32 - 1;
            write(&mut r, &(first..20).map(|t| (100 * i + t, 0.01)).collect::<Vec<_>>());
            kept.push(r.take_back(20, &[18, 12, 5]).unwrap());
        }
        assert_eq!(kept, [18, 18, 18, 12, 12, 5, 5, 0]);
        // A text that grows beyond the place is progress.
        write(&mut r, &[(1, 0.1), (2, 0.1)]);
        r.stands(50);
        assert_eq!(r.take_back(9, &[1]), Some(1));
    }

    #[test]
    fn where_little_is_left_nothing_is_tried() {
        let mut r = Refusals::new(100, 12);
        write(&mut r, &[(1, 0.3), (2, 0.995)]);
        assert_eq!(r.take_back(9, &[1]), Some(0));
        assert_eq!(r.left(1), 0.0);
    }

    #[test]
    fn what_is_mended_too_long_is_begun_anew_and_then_mended_longer() {
        let mut r = Refusals::new(200, 12);
        let mut kept = Vec::new();
        for i in 0..200 {
            let first = r.path.len() as u32 - 1;
            write(&mut r, &(first..20).map(|t| (100 * i + t, 0.01)).collect::<Vec<_>>());
            // It grows a little each time, so that no place is given up.
            r.stands(1000 * r.path.len() + i as usize);
            r.stuck = 0;
            kept.push(r.take_back(20, &[15]).unwrap());
        }
        let anew: Vec<usize> = (0..200).filter(|&i| kept[i] == 0).collect();
        // Five tokens at a time: more than 20, 40, 80, 160 of them.
        assert_eq!(anew[..4], [5, 15, 33, 67], "{anew:?}");
    }

    #[test]
    fn an_answer_is_given_up() {
        for times in [1, 12] {
            let mut r = Refusals::new(20, times);
            let mut tries = 0;
            loop {
                let first = r.path.len() as u32 - 1;
                write(&mut r, &(first..20).map(|t| (100 * tries + t, 1e-6)).collect::<Vec<_>>());
                if r.take_back(20, &[10]).is_none() {
                    break;
                }
                tries += 1;
            }
            assert!((times..4 * times).contains(&(tries as usize)), "{tries}");
            assert!(r.wasted > times * 20 && r.wasted <= (times + 1) * 20);
        }
    }
}
