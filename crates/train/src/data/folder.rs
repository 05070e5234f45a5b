//! Any images, by class: a folder for each class, its files PNG or JPEG.
//!
//! With folders `train` and `test` (or `val`) above the classes, those are the parts; else every sixth image of a class, in an
//! order that a seed decides, is the test part. Images of any size are scaled to squares of one side.

use super::{DataError, Part, planes, read};
use archsmith_ir::Seed;
use image::imageops::FilterType;
use rayon::prelude::*;
use std::path::{Path, PathBuf};

const HELP: &str = "a folder for each class with its .png, .jpg or .jpeg files, or train/CLASS and test/CLASS";

/// Classes, training and test part.
pub(super) fn parts(dir: &Path, side: usize) -> Result<(Vec<String>, Part, Part), DataError> {
    let train = dir.join("train");
    if !train.is_dir() {
        let classes = classes(dir)?;
        let (mut training, mut test) = (Vec::new(), Vec::new());
        for (label, class) in classes.iter().enumerate() {
            let mut files = files(&dir.join(class))?;
            Seed::from_u64(0).derive("folder", &[label as u64]).draws().shuffle(&mut files);
            for (i, file) in files.into_iter().enumerate() {
                if i % 6 == 5 { &mut test } else { &mut training }.push((file, label as u8));
            }
        }
        return Ok((classes, load(&training, side)?, load(&test, side)?));
    }
    let test = ["test", "val"]
        .map(|name| dir.join(name))
        .into_iter()
        .find(|d| d.is_dir())
        .ok_or_else(|| missing("folder test or val beside train", dir))?;
    let classes = classes(&train)?;
    let listed = |root: &Path| -> Result<Vec<(PathBuf, u8)>, DataError> {
        let mut all = Vec::new();
        for (label, class) in classes.iter().enumerate() {
            let folder = root.join(class);
            if folder.is_dir() {
                all.extend(files(&folder)?.into_iter().map(|f| (f, label as u8)));
            }
        }
        Ok(all)
    };
    let (training, test) = (load(&listed(&train)?, side)?, load(&listed(&test)?, side)?);
    Ok((classes, training, test))
}

fn missing(what: &str, folder: &Path) -> DataError {
    DataError::Missing { what: what.to_string(), folder: folder.to_path_buf(), help: HELP }
}

fn entries(dir: &Path) -> Result<Vec<PathBuf>, DataError> {
    let io = |source| DataError::Io { path: dir.to_path_buf(), source };
    let found: Result<Vec<PathBuf>, _> = std::fs::read_dir(dir).map_err(io)?.map(|e| e.map(|e| e.path())).collect();
    let mut found = found.map_err(io)?;
    found.sort();
    Ok(found)
}

/// Names of the folders in a folder, sorted: the classes by their labels.
fn classes(dir: &Path) -> Result<Vec<String>, DataError> {
    let folders = entries(dir)?.into_iter().filter(|p| p.is_dir());
    let names: Vec<String> = folders.filter_map(|p| Some(p.file_name()?.to_str()?.to_string())).collect();
    let names: Vec<String> = names.into_iter().filter(|n| !n.starts_with('.')).collect();
    match names.len() {
        0 => Err(missing("folder of a class", dir)),
        1..=256 => Ok(names),
        n => Err(DataError::Damaged {
            file: dir.display().to_string(),
            expected: "at most 256 classes".into(),
            found: format!("{n} folders"),
        }),
    }
}

fn files(dir: &Path) -> Result<Vec<PathBuf>, DataError> {
    let image = |p: &PathBuf| {
        let extension = p.extension().and_then(|e| e.to_str()).unwrap_or_default().to_ascii_lowercase();
        p.is_file() && ["png", "jpg", "jpeg"].contains(&extension.as_str())
    };
    let found: Vec<PathBuf> = entries(dir)?.into_iter().filter(image).collect();
    if found.is_empty() { Err(missing("image", dir)) } else { Ok(found) }
}

fn load(files: &[(PathBuf, u8)], side: usize) -> Result<Part, DataError> {
    let images: Result<Vec<Vec<u8>>, DataError> = files.par_iter().map(|(file, _)| picture(file, side)).collect();
    Ok(Part { images: images?.concat(), labels: files.iter().map(|(_, label)| *label).collect() })
}

/// The colour planes of a file's image, scaled.
fn picture(file: &Path, side: usize) -> Result<Vec<u8>, DataError> {
    let image = image::load_from_memory(&read(file)?).map_err(|e| DataError::Damaged {
        file: file.display().to_string(),
        expected: "a PNG or JPEG image".into(),
        found: e.to_string(),
    })?;
    let side = side as u32;
    let image = image.to_rgb8();
    let image = if image.dimensions() == (side, side) {
        image
    } else {
        image::imageops::resize(&image, side, side, FilterType::Triangle)
    };
    Ok(planes(&image).collect())
}
