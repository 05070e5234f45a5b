//! Looking for damage in an archive. It reports and repairs nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{Store, StoreError};
use crate::record::{CandidateRecord, CycleRecord, SEED_PREFIX, Verdict, text_hash};

/// Something [`Store::verify`] found wrong.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Problem {
    /// What it is about: a candidate's id, a cycle, the file.
    pub subject: String,
    /// What is wrong.
    pub message: String,
}

impl Store {
    /// Looks for damage: SQLite's own integrity check, records that no longer have the digest they were stored with,
    /// references to networks and prompts that are not there, cycles whose number of candidates is wrong. Empty means
    /// that nothing was found.
    ///
    /// # Errors
    /// Where the archive can't be read at all.
    pub fn verify(&self) -> Result<Vec<Problem>, StoreError> {
        let mut problems = Vec::new();
        let mut add = |subject: &str, message: String| problems.push(Problem { subject: subject.to_owned(), message });
        for message in self.strings("SELECT integrity_check FROM pragma_integrity_check")? {
            if message != "ok" {
                add("archive.sqlite", message);
            }
        }
        let mut ids = BTreeSet::new();
        let mut per_cycle: BTreeMap<u32, u32> = BTreeMap::new();
        let mut good = Vec::new();
        for (id, record, digest) in
            self.rows("SELECT id, record, digest FROM candidate ORDER BY cycle, number, attempt")?
        {
            ids.insert(id.clone());
            match serde_json::from_str::<CandidateRecord>(&record) {
                Err(error) => add(&id, format!("the record can't be read: {error}")),
                Ok(candidate) => {
                    *per_cycle.entry(candidate.cycle).or_default() += 1;
                    if candidate.id != id {
                        add(&id, format!("the record has another id, {}", candidate.id));
                    }
                    if candidate.digest().ok().as_ref() != Some(&digest) {
                        add(&id, "the record is not the one that was stored: its digest differs".to_owned());
                    }
                    good.push(candidate);
                }
            }
        }
        let seeds = self.strings("SELECT name FROM seed ORDER BY name")?;
        let prompts = self.strings("SELECT hash FROM prompt ORDER BY hash")?;
        for candidate in &good {
            let duplicate_of = match &candidate.verdict {
                Verdict::Duplicate { of, .. } => Some(of),
                _ => None,
            };
            for id in candidate.parents.iter().chain(duplicate_of).chain(&candidate.nearest) {
                let known = match id.strip_prefix(SEED_PREFIX) {
                    // A run need not copy its seed set into the archive.
                    Some(name) => seeds.is_empty() || seeds.binary_search_by(|seed| seed.as_str().cmp(name)).is_ok(),
                    None => ids.contains(id),
                };
                if !known {
                    add(&candidate.id, format!("it refers to {id}, which is not in the archive"));
                }
            }
            if !candidate.prompt_hash.is_empty() && !prompts.is_empty() && !prompts.contains(&candidate.prompt_hash) {
                add(&candidate.id, format!("its prompt {} is not in the archive", candidate.prompt_hash));
            }
        }
        for (id, record, digest) in self.rows("SELECT CAST(cycle AS TEXT), record, digest FROM cycle ORDER BY cycle")? {
            let subject = format!("cycle {id}");
            match serde_json::from_str::<CycleRecord>(&record) {
                Err(error) => add(&subject, format!("the record can't be read: {error}")),
                Ok(cycle) => {
                    if cycle.digest().ok().as_ref() != Some(&digest) {
                        add(&subject, "the record is not the one that was stored: its digest differs".to_owned());
                    }
                    let found = per_cycle.get(&cycle.cycle).copied().unwrap_or(0);
                    if found != cycle.candidates {
                        add(&subject, format!("it should have {} candidates, {found} are there", cycle.candidates));
                    }
                }
            }
        }
        for (hash, text, _) in self.rows("SELECT hash, text, '' FROM prompt ORDER BY hash")? {
            if text_hash(&text) != hash {
                add(&format!("prompt {hash}"), "its text has another hash".to_owned());
            }
        }
        Ok(problems)
    }
}
