//! The operators, one file each. The list below is exhaustive: what is not in it does not exist.

use crate::op::{Operator, Signatures};
use crate::signature::Signature;
use rustc_hash::FxHashMap;
use serde::{Deserialize, Deserializer, Serialize, Serializer};
use std::sync::OnceLock;

macro_rules! operators {
    ($($name:ident),* $(,)?) => {
        $(mod $name;)*
        static ALL: &[&Operator] = &[$(&$name::OPERATOR),*];
        static SIGNATURES: [Signatures; ALL.len()] = [const { Signatures::new() }; ALL.len()];
    };
}

operators! {
    conv2d,
    relu,
}

/// An operator of the list. Stored by name.
#[derive(Clone, Copy, PartialEq, Eq, Hash, PartialOrd, Ord)]
pub struct OpId(u16);

impl OpId {
    /// Every operator, in the order of the list.
    pub fn all() -> impl Iterator<Item = OpId> {
        (0..ALL.len() as u16).map(OpId)
    }

    /// The operator with this name.
    pub fn by_name(name: &str) -> Option<OpId> {
        static INDEX: OnceLock<FxHashMap<&'static str, OpId>> = OnceLock::new();
        INDEX.get_or_init(|| OpId::all().map(|id| (id.get().name, id)).collect()).get(name).copied()
    }

    /// The operators that a dotted path reaches, with the signature of that spelling, in order of preference.
    /// `torch.nn.functional.relu`, `Tensor.relu`, …
    pub fn by_path(path: &str) -> &'static [(OpId, &'static Signature)] {
        type Index = FxHashMap<&'static str, Vec<(OpId, &'static Signature)>>;
        static INDEX: OnceLock<Index> = OnceLock::new();
        let index = INDEX.get_or_init(|| {
            let mut index = Index::default();
            for id in OpId::all() {
                for s in id.signatures() {
                    index.entry(s.path).or_default().push((id, s));
                }
            }
            index
        });
        index.get(path).map_or(&[], Vec::as_slice)
    }

    /// The operator itself.
    pub fn get(self) -> &'static Operator {
        ALL[self.0 as usize]
    }

    /// All its signatures; the first is canonical.
    pub fn signatures(self) -> &'static [Signature] {
        SIGNATURES[self.0 as usize].get(self.get())
    }

    /// Its canonical signature: the arguments of its nodes.
    pub fn signature(self) -> &'static Signature {
        &self.signatures()[0]
    }
}

impl std::fmt::Debug for OpId {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str(self.get().name)
    }
}

impl Serialize for OpId {
    fn serialize<S: Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.serialize_str(self.get().name)
    }
}

impl<'de> Deserialize<'de> for OpId {
    fn deserialize<D: Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        let name = String::deserialize(d)?;
        OpId::by_name(&name).ok_or_else(|| serde::de::Error::custom(format!("unknown operator '{name}'")))
    }
}
