//! CIFAR's binary form: records of a label byte (CIFAR-100: two, coarse and fine) and 3,072 image bytes (red, green, blue planes
//! of 32×32).

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
    Ok((records(&batches, 1)?, records(&[test], 1)?))
}

/// Training and test part of CIFAR-100.
pub(super) fn binary100(dir: &Path) -> Result<(Part, Part), DataError> {
    const HELP: &str =
        "cifar-100-binary.tar.gz from the data set's site unpacks to a folder with train.bin and test.bin";
    let inner = dir.join("cifar-100-binary");
    let folder = if inner.is_dir() { inner } else { dir.to_path_buf() };
    let part = |name: &str| {
        let file = folder.join(name);
        if !file.is_file() {
            return Err(DataError::Missing { what: name.to_string(), folder: folder.clone(), help: HELP });
        }
        records(&[file], 2)
    };
    Ok((part("train.bin")?, part("test.bin")?))
}

/// Records that begin with so many bytes of labels, the last of which counts.
fn records(files: &[PathBuf], labels: usize) -> Result<Part, DataError> {
    let size = labels + PIXELS;
    let mut part = Part { images: Vec::new(), labels: Vec::new() };
    for file in files {
        let bytes = read(file)?;
        if bytes.is_empty() || bytes.len() % size != 0 {
            return Err(DataError::Damaged {
                file: file.display().to_string(),
                expected: format!("records of {size} bytes"),
                found: format!("{} bytes", bytes.len()),
            });
        }
        for record in bytes.chunks_exact(size) {
            part.labels.push(record[labels - 1]);
            part.images.extend_from_slice(&record[labels..]);
        }
    }
    Ok(part)
}
