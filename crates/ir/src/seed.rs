//! Seeds: where every random number of the project comes from.
//!
//! A [`Seed`] is a 32-byte key. New seeds are derived from it by purpose and numbers through a keyed hash, so that
//! what one part draws never depends on how much another part has drawn. The numbers themselves come from [`Draws`]:
//! ChaCha8 and elementary functions computed in f64 by portable code, so they are the same bits on every machine.
//!
//! It refuses to draw from the operating system: a seed is always given.

use rand_chacha::ChaCha8Rng;
use rand_chacha::rand_core::{Rng, SeedableRng};
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::fmt;
use std::str::FromStr;

/// A 32-byte key that random draws and further seeds are derived from.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct Seed([u8; 32]);

impl Seed {
    /// The seed that a user's number stands for.
    pub fn from_u64(n: u64) -> Seed {
        Seed(blake3::derive_key("archsmith 2026 seed from a number", &n.to_le_bytes()))
    }

    /// The seed with these bytes.
    pub fn from_bytes(bytes: [u8; 32]) -> Seed {
        Seed(bytes)
    }

    /// Its bytes.
    pub fn bytes(&self) -> &[u8; 32] {
        &self.0
    }

    /// The seed for a purpose, told apart by numbers: `run.derive("candidate", &[cycle, index])`. Different purposes
    /// and different lists of numbers give unrelated seeds.
    pub fn derive(&self, purpose: &str, numbers: &[u64]) -> Seed {
        let mut hasher = blake3::Hasher::new_keyed(&self.0);
        hasher.update(&(purpose.len() as u64).to_le_bytes());
        hasher.update(purpose.as_bytes());
        for n in numbers {
            hasher.update(&n.to_le_bytes());
        }
        Seed(*hasher.finalize().as_bytes())
    }

    /// A generator of random bits.
    pub fn rng(&self) -> ChaCha8Rng {
        ChaCha8Rng::from_seed(self.0)
    }

    /// A generator of numbers of the usual distributions.
    pub fn draws(&self) -> Draws {
        Draws { rng: self.rng(), spare: None }
    }

    /// A number for libraries that take their seed as one.
    pub fn u64(&self) -> u64 {
        let mut first = [0; 8];
        first.copy_from_slice(&self.derive("u64", &[]).0[..8]);
        u64::from_le_bytes(first)
    }
}

/// Lower-case hexadecimal, 64 digits.
impl fmt::Display for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        self.0.iter().try_for_each(|b| write!(f, "{b:02x}"))
    }
}

impl fmt::Debug for Seed {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        write!(f, "Seed({self})")
    }
}

/// A text that is not a seed.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("a seed is written as 64 hexadecimal digits, found {0:?}")]
pub struct SeedParseError(String);

impl FromStr for Seed {
    type Err = SeedParseError;

    fn from_str(text: &str) -> Result<Seed, SeedParseError> {
        let hash = blake3::Hash::from_hex(text.as_bytes()).map_err(|_| SeedParseError(text.to_string()))?;
        Ok(Seed(*hash.as_bytes()))
    }
}

impl Serialize for Seed {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> Deserialize<'de> for Seed {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

/// Random numbers of the usual distributions.
#[derive(Clone, Debug)]
pub struct Draws {
    rng: ChaCha8Rng,
    /// The second of the two normal values that one pair of uniform ones gives.
    spare: Option<f64>,
}

impl Draws {
    /// Uniform in `[0, 1)`, a multiple of 2⁻⁵³.
    pub fn unit(&mut self) -> f64 {
        (self.rng.next_u64() >> 11) as f64 * (1.0 / (1u64 << 53) as f64)
    }

    /// Uniform in `[0, 1)`, a multiple of 2⁻²⁴: as much as an f32 tells apart.
    pub fn unit_f32(&mut self) -> f32 {
        (self.rng.next_u32() >> 8) as f32 * (1.0 / (1u32 << 24) as f32)
    }

    /// Uniform in `[low, high)`; `low` when the interval is empty.
    pub fn uniform(&mut self, low: f64, high: f64) -> f64 {
        let v = low + self.unit() * (high - low);
        if v < high { v } else { low }
    }

    /// Standard normal, by the transform of Box and Muller.
    pub fn normal(&mut self) -> f64 {
        if let Some(v) = self.spare.take() {
            return v;
        }
        let (a, b) = self.normal_pair();
        self.spare = Some(b);
        a
    }

    /// Two independent standard normal values.
    pub fn normal_pair(&mut self) -> (f64, f64) {
        // 1 − u lies in (0, 1]: its logarithm is finite.
        let radius = libm::sqrt(-2.0 * libm::log(1.0 - self.unit()));
        let (sin, cos) = libm::sincos(std::f64::consts::TAU * self.unit());
        (radius * cos, radius * sin)
    }

    /// Uniform in `0 … n−1`, without bias; 0 when `n` is 0.
    pub fn below(&mut self, n: u64) -> u64 {
        if n == 0 {
            return 0;
        }
        // Values at the end that do not make up a whole multiple of n are drawn again.
        let limit = u64::MAX - u64::MAX % n;
        loop {
            let v = self.rng.next_u64();
            if v < limit {
                return v % n;
            }
        }
    }

    /// Puts the items in a random order (Fisher and Yates).
    pub fn shuffle<T>(&mut self, items: &mut [T]) {
        for i in (1..items.len()).rev() {
            items.swap(i, self.below(i as u64 + 1) as usize);
        }
    }
}
