//! CIFAR-10's binary form: records of one label byte and 3,072 image bytes (red, green, blue planes of 32×32).

use super::{DataError, Part, read};
use std::path::{Path, PathBuf};

const PIXELS: usize = 3 * 32 * 32;
const HELP: &str = "cifar-10-binary.tar.gz from the data set's site unpacks to a folder of six .bin files";

/// Training and test part.
pub(super) fn binary(dir: &Path) -> Result<(Part, Part), DataError> {
    let inner = dir.join("cifar-10-batches-bin");
    let folder = if inner.is_dir() { inner } else { dir.to_path_buf() };
    let batches: Vec<PathBuf> =
        (1..=5).map(|i| folder.join(format!("data_batch_{i}.bin"))).filter(|p| p.is_file()).collect();
    let test = folder.join("test_batch.bin");
    for (there, what) in
        [(batches.len() == 5, "data_batch_1.bin … data_batch_5.bin"), (test.is_file(), "test_batch.bin")]
    {
        if !there {
            return Err(DataError::Missing { what: what.to_string(), folder, help: HELP });
        }
    }
    Ok((records(&batches)?, records(&[test])?))
}

fn records(files: &[PathBuf]) -> Result<Part, DataError> {
    let mut part = Part { images: Vec::new(), labels: Vec::new() };
    for file in files {
        let bytes = read(file)?;
        if bytes.is_empty() || bytes.len() % (1 + PIXELS) != 0 {
            return Err(DataError::Damaged {
                file: file.display().to_string(),
                expected: format!("records of {} bytes", 1 + PIXELS),
                found: format!("{} bytes", bytes.len()),
            });
        }
        for record in bytes.chunks_exact(1 + PIXELS) {
            part.labels.push(record[0]);
            part.images.extend_from_slice(&record[1..]);
        }
    }
    Ok(part)
}
