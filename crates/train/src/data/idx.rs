//! The IDX format of the MNIST family: two zero bytes, a type byte (8: u8), the number of dimensions, each size as a
//! big-endian u32, then the elements.

use super::{DataError, Part};
use flate2::read::MultiGzDecoder;
use std::io::Read;

/// No file of the format's data sets is larger unpacked: a gzip bomb ends here.
const MAX_BYTES: u64 = 1 << 30;

fn damaged(file: &str, expected: impl Into<String>, found: impl Into<String>) -> DataError {
    DataError::Damaged { file: file.to_string(), expected: expected.into(), found: found.into() }
}

/// Unpacks gzip, leaves anything else.
fn unpacked(file: &str, bytes: &[u8]) -> Result<Vec<u8>, DataError> {
    if !bytes.starts_with(&[0x1f, 0x8b]) {
        return Ok(bytes.to_vec());
    }
    let mut out = Vec::new();
    MultiGzDecoder::new(bytes)
        .take(MAX_BYTES)
        .read_to_end(&mut out)
        .map_err(|e| damaged(file, "a whole gzip file", e.to_string()))?;
    Ok(out)
}

/// Sizes and elements of a file of `rank` dimensions.
fn parse(file: &str, bytes: &[u8], rank: usize) -> Result<(Vec<usize>, Vec<u8>), DataError> {
    let bytes = unpacked(file, bytes)?;
    let header = 4 + 4 * rank;
    if bytes.len() < header {
        return Err(damaged(file, format!("an IDX header of {header} bytes"), format!("{} bytes", bytes.len())));
    }
    let magic = [0, 0, 8, rank as u8];
    if bytes[..4] != magic {
        return Err(damaged(
            file,
            format!("the IDX mark {magic:?} (u8, {rank} dimensions)"),
            format!("{:?}", &bytes[..4]),
        ));
    }
    let sizes: Vec<usize> =
        bytes[4..header].chunks(4).map(|c| c.iter().fold(0usize, |n, &b| n << 8 | usize::from(b))).collect();
    let expected = sizes.iter().try_fold(1usize, |n, &s| n.checked_mul(s)).unwrap_or(usize::MAX);
    let found = bytes.len() - header;
    if found != expected {
        return Err(damaged(file, format!("{expected} elements ({sizes:?})"), format!("{found}")));
    }
    Ok((sizes, bytes[header..].to_vec()))
}

/// Images with their labels, and height and width.
pub(super) fn part(images: (&str, &[u8]), labels: (&str, &[u8])) -> Result<(Part, (usize, usize)), DataError> {
    let (sizes, pixels) = parse(images.0, images.1, 3)?;
    let (count, classes) = parse(labels.0, labels.1, 1)?;
    if sizes[0] != count[0] {
        return Err(damaged(labels.0, format!("{} labels, one an image", sizes[0]), format!("{}", count[0])));
    }
    if sizes.contains(&0) {
        return Err(damaged(images.0, "at least one image", format!("{sizes:?}")));
    }
    Ok((Part { images: pixels, labels: classes }, (sizes[1], sizes[2])))
}
