//! `random`: numbers of a fixed sequence, so that a network is the same each time.

/// The state of the sequence (splitmix64).
#[derive(Clone, Debug, Default)]
pub struct State(u64);

impl State {
    /// Starts the sequence anew.
    pub fn seed(&mut self, seed: u64) {
        self.0 = seed;
    }

    /// The next number in [0, 1).
    pub fn unit(&mut self) -> f64 {
        self.0 = self.0.wrapping_add(0x9e37_79b9_7f4a_7c15);
        let mut z = self.0;
        z = (z ^ (z >> 30)).wrapping_mul(0xbf58_476d_1ce4_e5b9);
        z = (z ^ (z >> 27)).wrapping_mul(0x94d0_49bb_1331_11eb);
        z ^= z >> 31;
        (z >> 11) as f64 / (1u64 << 53) as f64
    }
}
