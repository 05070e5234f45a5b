//! Novelty of network source: shingles of the normal form, MinHash, banding, exact Jaccard at the end.
//!
//! A text is reduced to its normal form ([`crate::tokens`]), to the set of its runs of [`SHINGLE`] tokens, and to a
//! MinHash signature of [`PERMUTATIONS`] minima (Broder, "On the resemblance and containment of documents", 1997).
//! Signatures are cut into [`BANDS`] bands of [`ROWS`]; texts that agree in a band are compared further. Two sets of
//! similarity *s* meet in a band with probability 1 − (1 − s^ROWS)^BANDS: 0.996 at 0.85 ([`RETRIEVAL`]), 0.99998 at
//! 0.90 ([`NEAR_DUPLICATE`]), 0.14 at 0.6.
//!
//! Every similarity that is handed out is the exact Jaccard similarity of the two shingle sets. What is approximate is
//! only which network is taken for the nearest: it is the best of the [`EXACT`] networks whose signatures look most
//! alike; [`NoveltyIndex::query`] takes them from those that meet in a band, [`NoveltyIndex::nearest`] from all where
//! no such network is similar enough.
//!
//! Invariants: the permutations are constants and hashing is seedless, so a text has one sketch, for ever and
//! everywhere. An index gives the same answer for the same set of insertions, in whatever order they came: of equals, the id
//! that sorts first is given. (A resumed run knows its earlier candidates in another order than the run that made them.)

use std::collections::{BTreeMap, HashMap};
use std::hash::{BuildHasherDefault, Hasher};

use xxhash_rust::xxh3::xxh3_64;

use crate::tokens::normalise;

/// Tokens in a shingle.
pub const SHINGLE: usize = 10;
/// Minima in a signature.
pub const PERMUTATIONS: usize = 256;
/// Bands of a signature.
pub const BANDS: usize = 25;
/// Minima in a band.
pub const ROWS: usize = 10;
/// Similarity from which on retrieval by bands is to be relied on.
pub const RETRIEVAL: f64 = 0.85;
/// Exact Jaccard similarity from which on two networks are near-duplicates.
pub const NEAR_DUPLICATE: f64 = 0.90;
/// How many networks, most similar by signature, are compared exactly.
pub const EXACT: usize = 16;

/// Multipliers and masks of the permutations of the 32-bit numbers, made by SplitMix64 from a fixed start.
const FAMILY: ([u32; PERMUTATIONS], [u32; PERMUTATIONS]) = {
    let mut masks = [0; PERMUTATIONS];
    let mut multipliers = [0; PERMUTATIONS];
    let mut state: u64 = 0x6172_6368_736d_6974;
    let mut index = 0;
    while index < PERMUTATIONS {
        state = state.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = state;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        masks[index] = z as u32;
        multipliers[index] = (z >> 32) as u32 | 1;
        index += 1;
    }
    (masks, multipliers)
};

/// The signature of a set of shingles, the same on every machine.
fn signature(shingles: &[u64]) -> [i32; PERMUTATIONS] {
    #[cfg(target_arch = "x86_64")]
    {
        #[target_feature(enable = "avx2")]
        fn wide(shingles: &[u64]) -> [i32; PERMUTATIONS] {
            minima(shingles)
        }
        if is_x86_feature_detected!("avx2") {
            // SAFETY: the processor has what the function is compiled for.
            #[allow(unsafe_code)]
            return unsafe { wide(shingles) };
        }
    }
    minima(shingles)
}

/// The least image of a shingle, for each permutation.
#[inline(always)]
fn minima(shingles: &[u64]) -> [i32; PERMUTATIONS] {
    let (masks, multipliers) = &FAMILY;
    let mut signature = [i32::MAX; PERMUTATIONS];
    // Four shingles a pass, signed minima: what compilers turn into the fewest vector instructions.
    let mut groups = shingles.chunks_exact(4);
    for group in &mut groups {
        let values = [0, 1, 2, 3].map(|n| (group[n] >> 32) as u32);
        for ((least, mask), multiplier) in signature.iter_mut().zip(masks).zip(multipliers) {
            let images = values.map(|value| permuted(value, *mask, *multiplier));
            *least = (*least).min(images[0].min(images[1]).min(images[2].min(images[3])));
        }
    }
    for &shingle in groups.remainder() {
        for ((least, mask), multiplier) in signature.iter_mut().zip(masks).zip(multipliers) {
            *least = (*least).min(permuted((shingle >> 32) as u32, *mask, *multiplier));
        }
    }
    signature
}

/// A text reduced to what novelty compares.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Sketch {
    /// Hashes of the shingles, ascending, each once.
    shingles: Box<[u64]>,
    /// For each permutation the least image of a shingle.
    signature: Box<[i32; PERMUTATIONS]>,
}

impl Sketch {
    /// The sketch of a Python text. A text of fewer than [`SHINGLE`] tokens is one shingle, an empty one none.
    pub fn of(text: &str) -> Sketch {
        let mut run = Vec::new();
        let tokens: Vec<u64> = normalise(text).iter().map(|token| xxh3_64(token.as_bytes())).collect();
        let length = SHINGLE.min(tokens.len()).max(1);
        Sketch::from_shingles(tokens.windows(length).map(|window| {
            run.clear();
            run.extend(window.iter().flat_map(|token| token.to_le_bytes()));
            xxh3_64(&run)
        }))
    }

    /// The sketch of a set given by the hashes of its members, in any order, repetitions allowed: for sets that are
    /// not text, such as neighbourhoods in a graph.
    pub fn from_shingles(shingles: impl IntoIterator<Item = u64>) -> Sketch {
        let mut shingles: Vec<u64> = shingles.into_iter().collect();
        shingles.sort_unstable();
        shingles.dedup();
        let signature = Box::new(signature(&shingles));
        Sketch { shingles: shingles.into_boxed_slice(), signature }
    }

    /// Number of different shingles.
    pub fn len(&self) -> usize {
        self.shingles.len()
    }

    /// Whether there is nothing to compare.
    pub fn is_empty(&self) -> bool {
        self.shingles.is_empty()
    }

    /// Exact Jaccard similarity of the two shingle sets; 0 where both are empty.
    pub fn jaccard(&self, other: &Sketch) -> f64 {
        let (a, b) = (&self.shingles, &other.shingles);
        let (mut i, mut j, mut common) = (0, 0, 0_usize);
        // Without branches on the comparison: the sets are random numbers, which no predictor follows.
        while i < a.len() && j < b.len() {
            let (x, y) = (a[i], b[j]);
            common += usize::from(x == y);
            i += usize::from(x <= y);
            j += usize::from(y <= x);
        }
        let union = a.len() + b.len() - common;
        if union == 0 { 0.0 } else { common as f64 / union as f64 }
    }

    /// The similarity as the signatures estimate it: the share of equal minima. Its standard deviation is
    /// √(s (1 − s) / 256), at most 0.031.
    pub fn estimate(&self, other: &Sketch) -> f64 {
        if self.is_empty() || other.is_empty() {
            return 0.0;
        }
        f64::from(agreement(&self.signature, &other.signature)) / PERMUTATIONS as f64
    }

    /// Whether the signatures agree in a band.
    fn shares_band(&self, other: &Sketch) -> bool {
        let (own, others) = (self.signature.chunks_exact(ROWS), other.signature.chunks_exact(ROWS));
        own.zip(others).take(BANDS).any(|(a, b)| a == b)
    }

    /// The lowest byte of each row of the signature.
    fn brief(&self) -> Brief {
        self.signature.map(|row| row as u8)
    }

    fn bands(&self) -> impl Iterator<Item = u64> + '_ {
        self.signature.chunks_exact(ROWS).take(BANDS).enumerate().map(|(band, rows)| {
            let mut bytes = [0_u8; 4 * ROWS + 1];
            for (slot, row) in bytes.chunks_exact_mut(4).zip(rows) {
                slot.copy_from_slice(&row.to_le_bytes());
            }
            bytes[4 * ROWS] = band as u8;
            xxh3_64(&bytes)
        })
    }
}

/// One permutation of the 32-bit numbers: xor and odd multiplication are bijections. That suffices here, since the
/// numbers permuted are hashes, random already.
#[inline]
fn permuted(value: u32, mask: u32, multiplier: u32) -> i32 {
    (value ^ mask).wrapping_mul(multiplier) as i32
}

fn agreement(a: &[i32; PERMUTATIONS], b: &[i32; PERMUTATIONS]) -> u32 {
    a.iter().zip(b).map(|(x, y)| u32::from(x == y)).sum()
}

/// A signature of a quarter of the size. Two of them agree in at least as many places as the whole signatures.
type Brief = [u8; PERMUTATIONS];

/// Places in which two brief signatures agree.
fn brief_agreement(a: &Brief, b: &Brief) -> u32 {
    const LANES: usize = 32;
    // Counted in lanes of bytes, which PERMUTATIONS / LANES additions do not overflow: that is what vectors do fast.
    let mut lanes = [0_u8; LANES];
    for (a, b) in a.chunks_exact(LANES).zip(b.chunks_exact(LANES)) {
        for ((lane, x), y) in lanes.iter_mut().zip(a).zip(b) {
            *lane += u8::from(x == y);
        }
    }
    lanes.iter().map(|&lane| u32::from(lane)).sum()
}

/// The network most similar to a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Nearest {
    /// Its id.
    pub id: String,
    /// Exact Jaccard similarity of the two shingle sets.
    pub jaccard: f64,
}

impl Nearest {
    /// 1 − Jaccard similarity.
    pub fn novelty(&self) -> f64 {
        1.0 - self.jaccard
    }

    /// Whether the two are near-duplicates.
    pub fn is_near_duplicate(&self) -> bool {
        self.jaccard >= NEAR_DUPLICATE
    }
}

/// A place in the chain of the networks that share a band's content.
#[derive(Clone, Copy, Debug)]
struct Link {
    entry: u32,
    next: u32,
}

/// Such a chain: its first link, and how many it has.
#[derive(Clone, Copy, Debug)]
struct Chain {
    head: u32,
    length: u32,
}

const END: u32 = u32::MAX;

/// Networks that new text is compared with.
///
/// Networks with the same shingle set share one entry, under the id that sorts first.
#[derive(Clone, Debug, Default)]
pub struct NoveltyIndex {
    ids: Vec<String>,
    sketches: Vec<Sketch>,
    /// Of the sketches, in one piece: to look through all of them takes a fraction of the time that whole signatures do.
    briefs: Vec<Brief>,
    same_set: HashMap<u64, u32, BuildHasherDefault<Identity>>,
    chains: HashMap<u64, Chain, BuildHasherDefault<Identity>>,
    links: Vec<Link>,
    inserted: usize,
}

impl NoveltyIndex {
    /// An empty index.
    pub fn new() -> NoveltyIndex {
        NoveltyIndex::default()
    }

    /// Insertions so far, those with a known shingle set included.
    pub fn len(&self) -> usize {
        self.inserted
    }

    /// Whether nothing was inserted.
    pub fn is_empty(&self) -> bool {
        self.inserted == 0
    }

    /// Adds a Python text.
    pub fn insert(&mut self, id: &str, text: &str) {
        self.insert_sketch(id, Sketch::of(text));
    }

    /// Adds a sketch. An empty one is counted and never found.
    pub fn insert_sketch(&mut self, id: &str, sketch: Sketch) {
        self.inserted += 1;
        if sketch.is_empty() {
            return;
        }
        let set = set_hash(&sketch);
        if let Some(&entry) = self.same_set.get(&set) {
            let known = &mut self.ids[entry as usize];
            if id < known.as_str() {
                id.clone_into(known);
            }
            return;
        }
        let Ok(entry) = u32::try_from(self.sketches.len()) else { return };
        self.same_set.insert(set, entry);
        for band in sketch.bands() {
            let chain = self.chains.entry(band).or_insert(Chain { head: END, length: 0 });
            self.links.push(Link { entry, next: chain.head });
            *chain = Chain { head: (self.links.len() - 1) as u32, length: chain.length + 1 };
        }
        self.ids.push(id.to_owned());
        self.briefs.push(sketch.brief());
        self.sketches.push(sketch);
    }

    /// The nearest network among those that retrieval by bands finds: reliable from [`RETRIEVAL`] on, and fast.
    pub fn query(&self, text: &str) -> Option<Nearest> {
        self.query_sketch(&Sketch::of(text))
    }

    /// [`NoveltyIndex::query`] for a sketch.
    pub fn query_sketch(&self, sketch: &Sketch) -> Option<Nearest> {
        if sketch.is_empty() {
            return None;
        }
        if let Some(same) = self.same(sketch) {
            return Some(same);
        }
        let chains: Vec<Chain> = sketch.bands().filter_map(|band| self.chains.get(&band).copied()).collect();
        // Where a great part of the index is like the text, to look at all of it once is less than to follow the chains.
        let linked: usize = chains.iter().map(|chain| chain.length as usize).sum();
        if linked > self.sketches.len() {
            return self.best_of(sketch, self.all(), |entry| sketch.shares_band(&self.sketches[entry as usize]));
        }
        let mut found = Vec::new();
        let mut seen = vec![0_u64; self.sketches.len().div_ceil(64)];
        for chain in chains {
            let mut at = chain.head;
            while at != END {
                let Link { entry, next } = self.links[at as usize];
                let (slot, bit) = (entry as usize / 64, 1_u64 << (entry % 64));
                if seen[slot] & bit == 0 {
                    seen[slot] |= bit;
                    found.push(entry);
                }
                at = next;
            }
        }
        self.best_of(sketch, found.into_iter(), |_| true)
    }

    /// The nearest network: as [`NoveltyIndex::query`], and where that finds none of at least [`RETRIEVAL`], the best
    /// of all by signature. `None` only if there is nothing to compare.
    pub fn nearest(&self, text: &str) -> Option<Nearest> {
        self.nearest_sketch(&Sketch::of(text))
    }

    /// [`NoveltyIndex::nearest`] for a sketch.
    pub fn nearest_sketch(&self, sketch: &Sketch) -> Option<Nearest> {
        match self.query_sketch(sketch) {
            Some(near) if near.jaccard >= RETRIEVAL => Some(near),
            _ if sketch.is_empty() => None,
            _ => self.best_of(sketch, self.all(), |_| true),
        }
    }

    fn all(&self) -> std::ops::Range<u32> {
        0..self.sketches.len() as u32
    }

    fn same(&self, sketch: &Sketch) -> Option<Nearest> {
        let entry = *self.same_set.get(&set_hash(sketch))? as usize;
        (self.sketches[entry].shingles == sketch.shingles)
            .then(|| Nearest { id: self.ids[entry].clone(), jaccard: 1.0 })
    }

    /// The best by exact Jaccard of the [`EXACT`] best by signature among the wanted; of equals, the id that sorts first.
    fn best_of(
        &self,
        sketch: &Sketch,
        entries: impl Iterator<Item = u32>,
        wanted: impl Fn(u32) -> bool,
    ) -> Option<Nearest> {
        let id = |entry: u32| self.ids[entry as usize].as_str();
        let brief = sketch.brief();
        // Best first, never longer than EXACT.
        let mut likely: Vec<(u32, u32)> = Vec::with_capacity(EXACT + 1);
        for entry in entries {
            // Most are ruled out by what is an upper bound.
            if likely.len() == EXACT
                && let Some(&(least, _)) = likely.last()
                && brief_agreement(&brief, &self.briefs[entry as usize]) < least
            {
                continue;
            }
            let equal = agreement(&sketch.signature, &self.sketches[entry as usize].signature);
            let place = likely.partition_point(|&(e, other)| e > equal || (e == equal && id(other) < id(entry)));
            if place < EXACT && wanted(entry) {
                likely.insert(place, (equal, entry));
                likely.truncate(EXACT);
            }
        }
        let mut best: Option<(u32, f64)> = None;
        for (_, entry) in likely {
            let jaccard = sketch.jaccard(&self.sketches[entry as usize]);
            if best.is_none_or(|(other, most)| jaccard > most || (jaccard == most && id(entry) < id(other))) {
                best = Some((entry, jaccard));
            }
        }
        best.map(|(entry, jaccard)| Nearest { id: id(entry).to_owned(), jaccard })
    }
}

/// Hash of a whole shingle set.
fn set_hash(sketch: &Sketch) -> u64 {
    // A signature is a function of the set, and much shorter to hash than most sets; equal ones are compared exactly.
    let mut bytes = [0_u8; 4 * PERMUTATIONS + 8];
    for (slot, row) in bytes.chunks_exact_mut(4).zip(sketch.signature.iter()) {
        slot.copy_from_slice(&row.to_le_bytes());
    }
    bytes[4 * PERMUTATIONS..].copy_from_slice(&(sketch.shingles.len() as u64).to_le_bytes());
    xxh3_64(&bytes)
}

/// Which network has which graph: fingerprints of graphs, and of the ids that have each the one that sorts first.
#[derive(Clone, Debug, Default)]
pub struct GraphIndex {
    known: BTreeMap<String, String>,
}

impl GraphIndex {
    /// An empty index.
    pub fn new() -> GraphIndex {
        GraphIndex::default()
    }

    /// Number of different graphs.
    pub fn len(&self) -> usize {
        self.known.len()
    }

    /// Whether there is none.
    pub fn is_empty(&self) -> bool {
        self.known.is_empty()
    }

    /// Adds a network's graph.
    pub fn insert(&mut self, fingerprint: &str, id: &str) {
        match self.known.get_mut(fingerprint) {
            Some(known) if known.as_str() <= id => {}
            Some(known) => id.clone_into(known),
            None => {
                self.known.insert(fingerprint.to_owned(), id.to_owned());
            }
        }
    }

    /// Id of a network with this graph.
    pub fn query(&self, fingerprint: &str) -> Option<&str> {
        self.known.get(fingerprint).map(String::as_str)
    }
}

/// For keys that are hashes already.
#[derive(Clone, Copy, Debug, Default)]
struct Identity(u64);

impl Hasher for Identity {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = xxh3_64(bytes);
    }

    fn write_u64(&mut self, value: u64) {
        self.0 = value;
    }
}

/// A seedless hasher for short strings.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Xxh3Hasher(u64);

impl Hasher for Xxh3Hasher {
    fn finish(&self) -> u64 {
        self.0
    }

    fn write(&mut self, bytes: &[u8]) {
        self.0 = self.0.rotate_left(5) ^ xxh3_64(bytes);
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn a_signature_is_the_same_with_and_without_wide_instructions() {
        for length in [0, 1, 3, 4, 7, 100] {
            let shingles: Vec<u64> = (0..length).map(|n: u64| xxh3_64(&n.to_le_bytes())).collect();
            assert_eq!(signature(&shingles), minima(&shingles), "{length} shingles");
        }
    }
}
