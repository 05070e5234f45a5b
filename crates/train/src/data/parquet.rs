//! CIFAR in the parquet form of the model hub: a row has `img` (a group with `bytes`: a PNG of 32×32) and `label` (CIFAR-100:
//! `fine_label`).

use super::{DataError, Part, planes};
use parquet::file::reader::{FileReader, SerializedFileReader};
use parquet::record::{Field, Row};
use std::fs::File;
use std::path::{Path, PathBuf};

const HELP: &str = "the hub's data sets uoft-cs/cifar10 and uoft-cs/cifar100 have train-*.parquet and test-*.parquet";

/// Training and test part.
pub(super) fn parts(dir: &Path) -> Result<(Part, Part), DataError> {
    let inner = ["plain_text", "cifar100"].map(|name| dir.join(name));
    let folder = inner.into_iter().find(|d| d.is_dir()).unwrap_or_else(|| dir.to_path_buf());
    Ok((part(&folder, "train")?, part(&folder, "test")?))
}

fn part(folder: &Path, prefix: &str) -> Result<Part, DataError> {
    let entries = std::fs::read_dir(folder).map_err(|source| DataError::Io { path: folder.to_path_buf(), source })?;
    let mut files: Vec<PathBuf> = entries
        .flatten()
        .map(|e| e.path())
        .filter(|p| {
            let name = p.file_name().and_then(|n| n.to_str()).unwrap_or_default();
            name.starts_with(prefix) && name.ends_with(".parquet")
        })
        .collect();
    files.sort();
    if files.is_empty() {
        return Err(DataError::Missing {
            what: format!("{prefix}*.parquet"),
            folder: folder.to_path_buf(),
            help: HELP,
        });
    }
    let mut part = Part { images: Vec::new(), labels: Vec::new() };
    for file in &files {
        let name = file.display().to_string();
        let damaged = |expected: &str, found: String| DataError::Damaged {
            file: name.clone(),
            expected: expected.to_string(),
            found,
        };
        let open = File::open(file).map_err(|source| DataError::Io { path: file.clone(), source })?;
        let reader = SerializedFileReader::new(open).map_err(|e| damaged("a parquet file", e.to_string()))?;
        let rows = reader.get_row_iter(None).map_err(|e| damaged("readable rows", e.to_string()))?;
        for row in rows {
            let row = row.map_err(|e| damaged("readable rows", e.to_string()))?;
            let (png, label) =
                columns(&row).ok_or_else(|| damaged("the columns img.bytes and label", row.to_string()))?;
            part.labels.push(label);
            append(png, &mut part.images).map_err(|e| damaged("PNG images of 32×32", e))?;
        }
    }
    Ok(part)
}

fn columns(row: &Row) -> Option<(&[u8], u8)> {
    let (mut png, mut label) = (None, None);
    for (name, field) in row.get_column_iter() {
        match (name.as_str(), field) {
            ("img" | "image", Field::Group(group)) => {
                png = group.get_column_iter().find_map(|(name, field)| match field {
                    Field::Bytes(b) if name == "bytes" => Some(b.data()),
                    _ => None,
                });
            }
            ("label" | "fine_label", Field::Long(v)) => label = u8::try_from(*v).ok(),
            ("label" | "fine_label", Field::Int(v)) => label = u8::try_from(*v).ok(),
            _ => {}
        }
    }
    Some((png?, label?))
}

/// Appends the three colour planes of a PNG.
fn append(png: &[u8], out: &mut Vec<u8>) -> Result<(), String> {
    let image = image::load_from_memory_with_format(png, image::ImageFormat::Png).map_err(|e| e.to_string())?.to_rgb8();
    if image.dimensions() != (32, 32) {
        return Err(format!("an image of {:?}", image.dimensions()));
    }
    out.extend(planes(&image));
    Ok(())
}
