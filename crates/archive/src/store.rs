//! The archive of one run: an SQLite file.
//!
//! Each row holds its record as JSON; the columns that queries sort and filter by are generated from that JSON by
//! SQLite, so that the two cannot disagree. Invariants:
//!
//! - A candidate or a cycle is there entirely or not at all, and once it is there it never changes: writing an equal
//!   record again does nothing, writing another one under the same id is an error.
//! - One process writes. A second one that asks is refused while the first lives, by a lock on a file beside the
//!   archive that the operating system takes back when its holder dies, however it dies. Readers are never refused.
//! - Commits are durable: write-ahead log with `synchronous = FULL`. That flushes the disk once a candidate; training
//!   one takes seconds, so the cheaper `NORMAL`, which may lose the last commits in a power cut, would win nothing.
//! - A full or read-only disk is an error of its own, and what was committed before stays whole.

use std::collections::BTreeMap;
use std::fs::{File, OpenOptions, TryLockError};
use std::path::{Path, PathBuf};
use std::time::Duration;

use rusqlite::{Connection, ErrorCode, OpenFlags, OptionalExtension, Params, TransactionBehavior, params};
use serde::de::DeserializeOwned;

use crate::record::{CandidateRecord, CycleRecord, Origin, RunRecord, SeedRecord, Stage, hash_hex};

mod error;
mod verify;

pub use error::StoreError;
pub use verify::Problem;

use error::{conflict, from_sqlite, not_json};

/// Each entry takes the schema one version further; `user_version` counts those applied. Never change one: add one.
/// `params` and `macs` are ANY since an absurd network may have more of them than SQLite's integers reach.
const MIGRATIONS: &[&str] = &[
    "
    CREATE TABLE run (
        one INTEGER PRIMARY KEY CHECK (one = 1),
        record TEXT NOT NULL
    ) STRICT;
    CREATE TABLE candidate (
        id TEXT PRIMARY KEY,
        record TEXT NOT NULL,
        digest TEXT NOT NULL,
        cycle INTEGER NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.cycle')) STORED,
        number INTEGER NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.index')) STORED,
        attempt INTEGER NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.attempt')) STORED,
        origin TEXT NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.origin')) STORED,
        verdict TEXT NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.verdict.code')) STORED,
        fingerprint TEXT GENERATED ALWAYS AS (json_extract(record, '$.fingerprint')) STORED,
        params ANY GENERATED ALWAYS AS (json_extract(record, '$.params')) STORED,
        macs ANY GENERATED ALWAYS AS (json_extract(record, '$.macs')) STORED,
        novelty REAL GENERATED ALWAYS AS (json_extract(record, '$.novelty')) STORED,
        accuracy_val REAL GENERATED ALWAYS AS (json_extract(record, '$.metrics.accuracy_val')) STORED,
        admitted INTEGER NOT NULL GENERATED ALWAYS AS (json_extract(record, '$.admitted')) STORED,
        UNIQUE (cycle, number, attempt)
    ) STRICT;
    CREATE INDEX candidate_by_accuracy ON candidate (accuracy_val);
    CREATE TABLE cycle (
        cycle INTEGER PRIMARY KEY,
        record TEXT NOT NULL,
        digest TEXT NOT NULL
    ) STRICT;
    CREATE TABLE seed (
        name TEXT PRIMARY KEY,
        record TEXT NOT NULL
    ) STRICT;
    CREATE TABLE prompt (
        hash TEXT PRIMARY KEY,
        text TEXT NOT NULL
    ) STRICT;
",
    "
    -- Counts and the best without a look at any record: a hundred thousand of them are half a gigabyte.
    DROP INDEX candidate_by_accuracy;
    CREATE INDEX candidate_by_rank ON candidate (accuracy_val DESC, cycle, number, attempt);
    CREATE INDEX candidate_by_stage ON candidate (cycle, origin, verdict);
    CREATE INDEX candidate_admitted ON candidate (cycle, number, attempt) WHERE admitted;
",
];

/// The order in which candidates are always given: as they were made.
const IN_ORDER: &str = "ORDER BY cycle, number, attempt";

/// The archive of one run, open for writing or for reading.
#[derive(Debug)]
pub struct Store {
    connection: Connection,
    path: PathBuf,
    /// Held for the lock, which ends with it.
    _lock: Option<File>,
}

impl Store {
    /// Opens an archive for writing, or makes one, and takes the writer's lock.
    ///
    /// # Errors
    /// [`StoreError::Locked`] while another process writes; [`StoreError::TooNew`], [`StoreError::Damaged`],
    /// [`StoreError::ReadOnly`], [`StoreError::DiskFull`], [`StoreError::Io`].
    pub fn open(path: &Path) -> Result<Store, StoreError> {
        let lock = take_lock(path)?;
        let connection = Connection::open(path).map_err(|error| from_sqlite(path, error))?;
        let mut store = Store { connection, path: path.to_path_buf(), _lock: Some(lock) };
        store.configure()?;
        store.run_batch("PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;")?;
        store.migrate()?;
        Ok(store)
    }

    /// Opens an archive for reading, also while another process writes it.
    ///
    /// # Errors
    /// [`StoreError::Missing`], [`StoreError::TooNew`], [`StoreError::Damaged`].
    pub fn open_read_only(path: &Path) -> Result<Store, StoreError> {
        if !path.is_file() {
            return Err(StoreError::Missing { path: path.to_path_buf() });
        }
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let open = |name: &Path, flags| -> Result<Store, StoreError> {
            let connection = Connection::open_with_flags(name, flags).map_err(|error| from_sqlite(path, error))?;
            let store = Store { connection, path: path.to_path_buf(), _lock: None };
            store.configure()?;
            store.check_version()?;
            Ok(store)
        };
        match open(path, flags) {
            // A write-ahead archive on a read-only medium: SQLite can't make its shared-memory file. Without a log
            // beside it nobody is writing, so the file alone is the whole truth.
            Err(StoreError::ReadOnly { .. }) if !beside(path, "-wal").exists() => {
                open(Path::new(&immutable_uri(path)), flags | OpenFlags::SQLITE_OPEN_URI)
            }
            result => result,
        }
    }

    fn configure(&self) -> Result<(), StoreError> {
        self.connection.busy_timeout(Duration::from_secs(10)).map_err(|error| self.error(error))?;
        self.run_batch("PRAGMA foreign_keys = ON;")
    }

    /// Applied migrations, where they are not more than this program knows.
    fn check_version(&self) -> Result<usize, StoreError> {
        let found: i64 = self
            .connection
            .query_row("PRAGMA user_version", [], |row| row.get(0))
            .map_err(|error| self.error(error))?;
        let found = usize::try_from(found).unwrap_or(usize::MAX);
        if found > MIGRATIONS.len() {
            return Err(StoreError::TooNew { path: self.path.clone(), found, known: MIGRATIONS.len() });
        }
        Ok(found)
    }

    fn migrate(&mut self) -> Result<(), StoreError> {
        for (version, sql) in MIGRATIONS.iter().enumerate().skip(self.check_version()?) {
            let path = self.path.clone();
            let to_error = |error| from_sqlite(&path, error);
            let transaction =
                self.connection.transaction_with_behavior(TransactionBehavior::Immediate).map_err(to_error)?;
            transaction.execute_batch(sql).map_err(to_error)?;
            transaction.pragma_update(None, "user_version", (version + 1) as i64).map_err(to_error)?;
            transaction.commit().map_err(to_error)?;
        }
        Ok(())
    }

    /// Moves what is in the write-ahead log into the archive's one file, so that this file is the whole truth.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn checkpoint(&self) -> Result<(), StoreError> {
        let busy: i64 = self
            .connection
            .query_row("PRAGMA wal_checkpoint(TRUNCATE)", [], |row| row.get(0))
            .map_err(|error| self.error(error))?;
        if busy == 0 { Ok(()) } else { Err(StoreError::Locked { path: self.path.clone() }) }
    }

    /// Where the archive lies.
    pub fn path(&self) -> &Path {
        &self.path
    }

    /// Stores the run's record. `true` if it is new.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where another run is recorded (another id, seed or configuration).
    pub fn put_run(&mut self, run: &RunRecord) -> Result<bool, StoreError> {
        if let Some(there) = self.run()? {
            let same = there.run_id == run.run_id && there.seed == run.seed && there.config == run.config;
            return if same { Ok(false) } else { Err(conflict("run", &run.run_id)) };
        }
        let record = self.json("run", &run.run_id, run)?;
        self.execute("INSERT INTO run (one, record) VALUES (1, ?1)", params![record])?;
        Ok(true)
    }

    /// The run's record.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn run(&self) -> Result<Option<RunRecord>, StoreError> {
        self.one("SELECT record FROM run", [])
    }

    /// Stores a candidate. `true` if it is new, `false` if an equal one (wall-clock fields apart) was there.
    ///
    /// # Errors
    /// [`StoreError::Conflict`] where another candidate has its id or its place; [`StoreError::DiskFull`],
    /// [`StoreError::ReadOnly`].
    pub fn put_candidate(&mut self, candidate: &CandidateRecord) -> Result<bool, StoreError> {
        let record = self.json("candidate", &candidate.id, candidate)?;
        let digest = candidate.digest().map_err(|error| not_json("candidate", &candidate.id, &error))?;
        let sql = "INSERT INTO candidate (id, record, digest) VALUES (?1, ?2, ?3)";
        self.insert_once("candidate", &candidate.id, sql, &record, &digest)
    }

    /// Stores a finished cycle. `true` if it is new, `false` if an equal one (wall-clock fields apart) was there.
    ///
    /// # Errors
    /// As for [`Store::put_candidate`].
    pub fn put_cycle(&mut self, cycle: &CycleRecord) -> Result<bool, StoreError> {
        let id = cycle.cycle.to_string();
        let record = self.json("cycle", &id, cycle)?;
        let digest = cycle.digest().map_err(|error| not_json("cycle", &id, &error))?;
        let sql = "INSERT INTO cycle (cycle, record, digest) VALUES (CAST(?1 AS INTEGER), ?2, ?3)";
        self.insert_once("cycle", &id, sql, &record, &digest)
    }

    /// One statement is one transaction, so a row is there entirely or not at all.
    fn insert_once(
        &mut self,
        what: &'static str,
        id: &str,
        sql: &str,
        record: &str,
        digest: &str,
    ) -> Result<bool, StoreError> {
        match self.connection.execute(sql, params![id, record, digest]) {
            Ok(_) => Ok(true),
            Err(rusqlite::Error::SqliteFailure(error, _)) if error.code == ErrorCode::ConstraintViolation => {
                let column = if what == "cycle" { "cycle" } else { "id" };
                let there: Option<String> = self
                    .connection
                    .query_row(&format!("SELECT digest FROM {what} WHERE {column} = ?1"), [id], |row| row.get(0))
                    .optional()
                    .map_err(|error| self.error(error))?;
                if there.as_deref() == Some(digest) { Ok(false) } else { Err(conflict(what, id)) }
            }
            Err(error) => Err(self.error(error)),
        }
    }

    /// Stores the seed set, in one transaction; a network already there under its name is replaced.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn put_seeds(&mut self, seeds: &[SeedRecord]) -> Result<(), StoreError> {
        let mut rows = Vec::with_capacity(seeds.len());
        for seed in seeds {
            rows.push((seed.name.as_str(), self.json("seed network", &seed.name, seed)?));
        }
        let path = self.path.clone();
        let to_error = |error| from_sqlite(&path, error);
        let transaction = self.connection.transaction().map_err(to_error)?;
        for (name, record) in rows {
            transaction
                .execute("INSERT OR REPLACE INTO seed (name, record) VALUES (?1, ?2)", params![name, record])
                .map_err(to_error)?;
        }
        transaction.commit().map_err(to_error)
    }

    /// The seed set, by name.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn seeds(&self) -> Result<Vec<SeedRecord>, StoreError> {
        self.many("SELECT record FROM seed ORDER BY name", [])
    }

    /// Stores a rendered prompt and gives the hash that a candidate's `prompt_hash` holds.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn put_prompt(&mut self, text: &str) -> Result<String, StoreError> {
        let hash = crate::record::text_hash(text);
        self.execute("INSERT OR IGNORE INTO prompt (hash, text) VALUES (?1, ?2)", params![hash, text])?;
        Ok(hash)
    }

    /// The prompt with this hash.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn prompt(&self, hash: &str) -> Result<Option<String>, StoreError> {
        self.connection
            .query_row("SELECT text FROM prompt WHERE hash = ?1", [hash], |row| row.get(0))
            .optional()
            .map_err(|error| self.error(error))
    }

    /// All candidates, in the order in which they were made.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn candidates(&self) -> Result<Vec<CandidateRecord>, StoreError> {
        self.many(&format!("SELECT record FROM candidate {IN_ORDER}"), [])
    }

    /// The candidates of one cycle, in order.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn candidates_of(&self, cycle: u32) -> Result<Vec<CandidateRecord>, StoreError> {
        self.many(&format!("SELECT record FROM candidate WHERE cycle = ?1 {IN_ORDER}"), [cycle])
    }

    /// The candidate with this id, or whose id alone begins with it.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn candidate(&self, id: &str) -> Result<Option<CandidateRecord>, StoreError> {
        let mut found: Vec<CandidateRecord> = self.many(
            // A range of the key: U+10FFFF is the last character.
            "SELECT record FROM candidate WHERE id >= ?1 AND id < ?1 || char(1114111) AND ?1 <> '' ORDER BY id LIMIT 2",
            [id],
        )?;
        Ok(if found.len() == 1 { found.pop() } else { None })
    }

    /// The admitted candidates, in order.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn admitted(&self) -> Result<Vec<CandidateRecord>, StoreError> {
        self.many(&format!("SELECT record FROM candidate WHERE admitted {IN_ORDER}"), [])
    }

    /// The `count` candidates with the best accuracy on the validation split, best first; ties in order of making.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn top(&self, count: usize) -> Result<Vec<CandidateRecord>, StoreError> {
        self.many(
            "SELECT record FROM candidate WHERE accuracy_val IS NOT NULL
             ORDER BY accuracy_val DESC, cycle, number, attempt LIMIT ?1",
            [i64::try_from(count).unwrap_or(i64::MAX)],
        )
    }

    /// How many candidates reached which stage and no further, raw, guided and repaired apart; of one cycle, or of all.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn counts(&self, cycle: Option<u32>) -> Result<BTreeMap<(Origin, Stage), u64>, StoreError> {
        let to_error = |error| self.error(error);
        let mut statement = self
            .connection
            .prepare_cached(match cycle {
                Some(_) => "SELECT origin, verdict, count(*) FROM candidate WHERE cycle = ?1 GROUP BY 1, 2",
                None => "SELECT origin, verdict, count(*) FROM candidate GROUP BY 1, 2",
            })
            .map_err(to_error)?;
        let rows = statement
            .query_map(rusqlite::params_from_iter(cycle), |row| {
                Ok((row.get::<_, String>(0)?, row.get::<_, String>(1)?, row.get::<_, i64>(2)?))
            })
            .map_err(to_error)?;
        let mut counts = BTreeMap::new();
        for row in rows {
            let (origin, verdict, count) = row.map_err(to_error)?;
            let origin = match origin.as_str() {
                "raw" => Origin::Raw,
                "guided" => Origin::Guided,
                _ => Origin::Repaired,
            };
            let stage = Stage::from_code(&verdict).ok_or_else(|| self.damaged(format!("unknown verdict {verdict}")))?;
            counts.insert((origin, stage), count.unsigned_abs());
        }
        Ok(counts)
    }

    /// The finished cycles, in order.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn cycles(&self) -> Result<Vec<CycleRecord>, StoreError> {
        self.many("SELECT record FROM cycle ORDER BY cycle", [])
    }

    /// Digest of the archive: BLAKE3 over the digests of all candidates and then of all cycles, each in order, one a
    /// line. What wall-clock time decides is in none of them, nor is the run's own record.
    ///
    /// # Errors
    /// See [`StoreError`].
    pub fn digest(&self) -> Result<String, StoreError> {
        let mut lines = String::new();
        for candidate in self.candidates()? {
            let digest = candidate.digest().map_err(|error| not_json("candidate", &candidate.id, &error))?;
            lines.push_str(&format!("candidate {} {digest}\n", candidate.id));
        }
        for cycle in self.cycles()? {
            let digest = cycle.digest().map_err(|error| not_json("cycle", &cycle.cycle.to_string(), &error))?;
            lines.push_str(&format!("cycle {} {digest}\n", cycle.cycle));
        }
        Ok(hash_hex(lines.as_bytes()))
    }

    fn json<T: serde::Serialize>(&self, what: &'static str, id: &str, record: &T) -> Result<String, StoreError> {
        serde_json::to_string(record).map_err(|error| not_json(what, id, &error))
    }

    fn execute(&self, sql: &str, params: impl Params) -> Result<usize, StoreError> {
        self.connection.execute(sql, params).map_err(|error| self.error(error))
    }

    fn run_batch(&self, sql: &str) -> Result<(), StoreError> {
        self.connection.execute_batch(sql).map_err(|error| self.error(error))
    }

    fn many<T: DeserializeOwned>(&self, sql: &str, params: impl Params) -> Result<Vec<T>, StoreError> {
        let to_error = |error| self.error(error);
        let mut statement = self.connection.prepare_cached(sql).map_err(to_error)?;
        let rows = statement.query_map(params, |row| row.get::<_, String>(0)).map_err(to_error)?;
        rows.map(|row| {
            let text = row.map_err(to_error)?;
            serde_json::from_str(&text).map_err(|error| self.damaged(format!("a record can't be read: {error}")))
        })
        .collect()
    }

    fn one<T: DeserializeOwned>(&self, sql: &str, params: impl Params) -> Result<Option<T>, StoreError> {
        Ok(self.many(sql, params)?.into_iter().next())
    }

    fn rows(&self, sql: &str) -> Result<Vec<(String, String, String)>, StoreError> {
        let to_error = |error| self.error(error);
        let mut statement = self.connection.prepare(sql).map_err(to_error)?;
        let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?, row.get(2)?))).map_err(to_error)?;
        rows.collect::<Result<_, _>>().map_err(to_error)
    }

    fn strings(&self, sql: &str) -> Result<Vec<String>, StoreError> {
        let to_error = |error| self.error(error);
        let mut statement = self.connection.prepare(sql).map_err(to_error)?;
        let rows = statement.query_map([], |row| row.get(0)).map_err(to_error)?;
        rows.collect::<Result<_, _>>().map_err(to_error)
    }

    fn error(&self, error: rusqlite::Error) -> StoreError {
        from_sqlite(&self.path, error)
    }

    fn damaged(&self, reason: String) -> StoreError {
        StoreError::Damaged { path: self.path.clone(), reason }
    }
}

fn take_lock(path: &Path) -> Result<File, StoreError> {
    let lock_path = beside(path, ".lock");
    let lock =
        OpenOptions::new().write(true).create(true).truncate(false).open(&lock_path).map_err(|source| match source
            .kind()
        {
            std::io::ErrorKind::ReadOnlyFilesystem | std::io::ErrorKind::PermissionDenied => {
                StoreError::ReadOnly { path: path.to_path_buf() }
            }
            std::io::ErrorKind::StorageFull => StoreError::DiskFull { path: path.to_path_buf() },
            _ => StoreError::Io { path: lock_path.clone(), source },
        })?;
    match lock.try_lock() {
        Ok(()) => Ok(lock),
        Err(TryLockError::WouldBlock) => Err(StoreError::Locked { path: path.to_path_buf() }),
        Err(TryLockError::Error(source)) => Err(StoreError::Io { path: lock_path, source }),
    }
}

fn beside(path: &Path, suffix: &str) -> PathBuf {
    let mut name = path.as_os_str().to_os_string();
    name.push(suffix);
    PathBuf::from(name)
}

/// SQLite's URI for a file that nobody changes. Characters with a meaning in a URI are escaped.
fn immutable_uri(path: &Path) -> String {
    let mut uri = String::from("file:");
    for character in path.to_string_lossy().chars() {
        match character {
            '%' => uri.push_str("%25"),
            '?' => uri.push_str("%3f"),
            '#' => uri.push_str("%23"),
            '\\' => uri.push('/'),
            other => uri.push(other),
        }
    }
    uri.push_str("?immutable=1");
    uri
}

#[cfg(test)]
mod tests {
    use super::*;

    fn seeds(count: usize) -> Vec<SeedRecord> {
        (0..count)
            .map(|n| SeedRecord {
                name: format!("net{n}"),
                text: "x = 1\n".repeat(2000),
                accuracy: None,
                fingerprint: None,
            })
            .collect()
    }

    /// Both limits need the connection itself, which the public interface does not give.
    #[test]
    fn a_full_disk_is_named_and_leaves_the_data_whole() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("archive.sqlite");
        let mut store = Store::open(&path).unwrap();
        store.put_seeds(&seeds(2)).unwrap();
        let pages: i64 = store.connection.query_row("PRAGMA page_count", [], |row| row.get(0)).unwrap();
        store.connection.query_row(&format!("PRAGMA max_page_count = {}", pages + 4), [], |_| Ok(())).unwrap();
        assert!(matches!(store.put_seeds(&seeds(50)), Err(StoreError::DiskFull { .. })));
        assert_eq!(store.seeds().unwrap(), seeds(2));
        assert_eq!(store.verify().unwrap(), []);
    }

    #[test]
    fn a_read_only_disk_is_named() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("archive.sqlite")).unwrap();
        store.run_batch("PRAGMA query_only = 1").unwrap();
        assert!(matches!(store.put_seeds(&seeds(1)), Err(StoreError::ReadOnly { .. })));
    }

    #[test]
    fn an_archive_of_a_newer_program_is_refused() {
        let folder = tempfile::tempdir().unwrap();
        let path = folder.path().join("archive.sqlite");
        let store = Store::open(&path).unwrap();
        store.connection.pragma_update(None, "user_version", 99).unwrap();
        drop(store);
        assert!(matches!(Store::open(&path), Err(StoreError::TooNew { found: 99, .. })));
        assert!(matches!(Store::open_read_only(&path), Err(StoreError::TooNew { found: 99, .. })));
    }

    /// What `open_read_only` falls back to on a read-only medium, in a folder whose name has a meaning in a URI.
    #[test]
    fn an_archive_is_read_as_a_file_that_nobody_changes() {
        let folder = tempfile::tempdir().unwrap();
        let root = folder.path().join("a %41?b#c");
        std::fs::create_dir(&root).unwrap();
        let path = root.join("archive.sqlite");
        Store::open(&path).unwrap().put_seeds(&seeds(3)).unwrap();
        assert!(!beside(&path, "-wal").exists());
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_URI;
        let connection = Connection::open_with_flags(immutable_uri(&path), flags).unwrap();
        let count: i64 = connection.query_row("SELECT count(*) FROM seed", [], |row| row.get(0)).unwrap();
        assert_eq!(count, 3);
    }

    #[test]
    fn verify_finds_a_text_changed_behind_its_back() {
        let folder = tempfile::tempdir().unwrap();
        let mut store = Store::open(&folder.path().join("archive.sqlite")).unwrap();
        let hash = store.put_prompt("write a network").unwrap();
        store
            .put_cycle(&CycleRecord { cycle: 0, candidates: 0, sft: None, adapter: None, topped_up: Vec::new() })
            .unwrap();
        assert_eq!(store.verify().unwrap(), []);
        store.execute("UPDATE prompt SET text = 'other'", []).unwrap();
        store.execute("UPDATE cycle SET record = replace(record, '\"candidates\":0', '\"candidates\":3')", []).unwrap();
        let subjects: Vec<_> = store.verify().unwrap().into_iter().map(|problem| problem.subject).collect();
        assert_eq!(subjects, ["cycle 0".to_owned(), "cycle 0".to_owned(), format!("prompt {hash}")]);
    }
}
