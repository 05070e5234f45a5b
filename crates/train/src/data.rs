//! Image data sets: read, checked, split and presented to a network.
//!
//! Images stay bytes, as they were published, until a batch is made: then they are padded to at least 32×32 (centred), given
//! three channels, normalised by the training split and, where the network asks for another size, resampled. Splits are
//! disjoint by construction: validation comes out of the training file, class-balanced, by a seed; the test file is only ever
//! the test split. It refuses damaged and truncated files, naming the file, what was expected and what was found.

mod batch;
mod cifar;
mod embedded;
mod folder;
mod idx;
#[cfg(feature = "parquet")]
mod parquet;

pub use batch::{Augment, BatchShape, Batches};

use archsmith_ir::Seed;
use serde::{Deserialize, Serialize};
use std::path::{Path, PathBuf};
use std::sync::Arc;

/// A data set that could not be read or split.
#[derive(Debug, thiserror::Error)]
pub enum DataError {
    /// A file could not be opened or read.
    #[error("{path}: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// No file of the expected name.
    #[error("no {what} in {folder}: {help}")]
    Missing {
        /// The expected file or files.
        what: String,
        /// Where it was looked for.
        folder: PathBuf,
        /// Where it comes from.
        help: &'static str,
    },
    /// A file that is not what its name says.
    #[error("{file} is damaged: expected {expected}, found {found}")]
    Damaged {
        /// The file.
        file: String,
        /// What should be there.
        expected: String,
        /// What is there.
        found: String,
    },
    /// A split that the data set is too small for.
    #[error("the training file of {name} has {found} images, too few for {wanted}")]
    TooSmall {
        /// The data set.
        name: String,
        /// Its training images.
        found: usize,
        /// What was asked for.
        wanted: String,
    },
    /// A reader that this build does not have.
    #[error("this build cannot read {0}: build again with `--features {0}`")]
    NotCompiled(&'static str),
}

/// Images of one file or group of files.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Part {
    /// `[n, channels, height, width]`, row-major.
    pub images: Vec<u8>,
    /// `[n]`.
    pub labels: Vec<u8>,
}

/// A data set as published: a training and a test part.
#[derive(Clone, Debug)]
pub struct Dataset {
    /// For a person.
    pub name: String,
    /// Number of classes.
    pub classes: usize,
    /// Channels, height and width of one image.
    pub size: [usize; 3],
    /// The training part.
    pub train: Part,
    /// The test part.
    pub test: Part,
}

/// Which data set: what a task file says.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(tag = "source", rename_all = "snake_case", deny_unknown_fields)]
pub enum DataRef {
    /// The sample of Fashion-MNIST inside the program: 10,000 training and 2,000 test images.
    Embedded,
    /// Fashion-MNIST's four IDX files, gzipped or not.
    FashionMnist {
        /// Their folder.
        dir: PathBuf,
    },
    /// CIFAR-10's binary batches.
    Cifar10Binary {
        /// Their folder, or the one above.
        dir: PathBuf,
    },
    /// CIFAR-10 as parquet files `train*.parquet` and `test*.parquet`.
    Cifar10Parquet {
        /// Their folder.
        dir: PathBuf,
    },
    /// CIFAR-100's binary files, by fine labels.
    Cifar100Binary {
        /// Their folder, or the one above.
        dir: PathBuf,
    },
    /// CIFAR-100 as parquet files, by fine labels.
    Cifar100Parquet {
        /// Their folder.
        dir: PathBuf,
    },
    /// PNG and JPEG images, a folder for each class.
    Folder {
        /// The folder of the classes, or of `train` and `test`.
        dir: PathBuf,
        /// Height and width that images are scaled to.
        side: usize,
    },
}

impl DataRef {
    /// Reads the data set.
    ///
    /// # Errors
    /// Missing, unreadable or damaged files.
    pub fn load(&self) -> Result<Dataset, DataError> {
        match self {
            DataRef::Embedded => Dataset::embedded_sample(),
            DataRef::FashionMnist { dir } => Dataset::fashion_mnist(dir),
            DataRef::Cifar10Binary { dir } => Dataset::cifar10_binary(dir),
            DataRef::Cifar10Parquet { dir } => Dataset::cifar_parquet("cifar10", 10, dir),
            DataRef::Cifar100Binary { dir } => {
                let (train, test) = cifar::binary100(dir)?;
                Dataset::checked("cifar100", 100, [3, 32, 32], train, test)
            }
            DataRef::Cifar100Parquet { dir } => Dataset::cifar_parquet("cifar100", 100, dir),
            DataRef::Folder { dir, side } => {
                let (classes, train, test) = folder::parts(dir, *side)?;
                let name = dir.file_name().map_or_else(|| "folder".into(), |n| n.to_string_lossy());
                Dataset::checked(&name, classes.len(), [3, *side, *side], train, test)
            }
        }
    }
}

const FASHION_FILES: [&str; 4] =
    ["train-images-idx3-ubyte", "train-labels-idx1-ubyte", "t10k-images-idx3-ubyte", "t10k-labels-idx1-ubyte"];

impl Dataset {
    /// Fashion-MNIST from a folder with its four IDX files, gzipped (`.gz`) or not.
    ///
    /// # Errors
    /// Missing, unreadable or damaged files.
    pub fn fashion_mnist(dir: &Path) -> Result<Dataset, DataError> {
        let mut files = Vec::new();
        for name in FASHION_FILES {
            let candidates = [dir.join(format!("{name}.gz")), dir.join(name)];
            let path = candidates.iter().find(|p| p.is_file()).ok_or_else(|| DataError::Missing {
                what: format!("{name}.gz"),
                folder: dir.to_path_buf(),
                help: "Debian's package dataset-fashion-mnist installs it under /usr/share/datasets/fashion-mnist",
            })?;
            files.push((path.display().to_string(), read(path)?));
        }
        let named = |i: usize| (files[i].0.as_str(), files[i].1.as_slice());
        Self::from_idx("fashion-mnist", [named(0), named(1), named(2), named(3)])
    }

    /// Fashion-MNIST from the bytes of its four IDX files, gzipped or not: training images and labels, test images and labels.
    ///
    /// # Errors
    /// Damaged bytes.
    pub fn embedded(
        train_images: &[u8],
        train_labels: &[u8],
        test_images: &[u8],
        test_labels: &[u8],
    ) -> Result<Dataset, DataError> {
        let bytes = [train_images, train_labels, test_images, test_labels];
        let [a, b, c, d] = [0, 1, 2, 3].map(|i| (FASHION_FILES[i], bytes[i]));
        Self::from_idx("fashion-mnist-sample", [a, b, c, d])
    }

    /// The sample inside the program.
    ///
    /// # Errors
    /// None in a whole program; a damaged one says so.
    pub fn embedded_sample() -> Result<Dataset, DataError> {
        let [a, b, c, d] = embedded::FILES;
        Self::embedded(a, b, c, d)
    }

    fn from_idx(name: &str, files: [(&str, &[u8]); 4]) -> Result<Dataset, DataError> {
        let [train_images, train_labels, test_images, test_labels] = files;
        let (train, size) = idx::part(train_images, train_labels)?;
        let (test, test_size) = idx::part(test_images, test_labels)?;
        if size != test_size {
            return Err(DataError::Damaged {
                file: test_images.0.to_string(),
                expected: format!("images of {}×{}", size.0, size.1),
                found: format!("{}×{}", test_size.0, test_size.1),
            });
        }
        Self::checked(name, 10, [1, size.0, size.1], train, test)
    }

    /// CIFAR-10 from its binary batches (`data_batch_1.bin` … `data_batch_5.bin`, `test_batch.bin`).
    ///
    /// # Errors
    /// Missing, unreadable or damaged files.
    pub fn cifar10_binary(dir: &Path) -> Result<Dataset, DataError> {
        let (train, test) = cifar::binary(dir)?;
        Self::checked("cifar10", 10, [3, 32, 32], train, test)
    }

    /// CIFAR-10 or CIFAR-100 from parquet files with the columns `img` (`bytes`: PNG) and `label` or `fine_label`.
    ///
    /// # Errors
    /// Missing, unreadable or damaged files; a build without parquet.
    pub fn cifar_parquet(name: &str, classes: usize, dir: &Path) -> Result<Dataset, DataError> {
        #[cfg(feature = "parquet")]
        {
            let (train, test) = parquet::parts(dir)?;
            Self::checked(name, classes, [3, 32, 32], train, test)
        }
        #[cfg(not(feature = "parquet"))]
        {
            let _ = (name, classes, dir);
            Err(DataError::NotCompiled("parquet"))
        }
    }

    fn checked(name: &str, classes: usize, size: [usize; 3], train: Part, test: Part) -> Result<Dataset, DataError> {
        for (file, part) in [("the training part", &train), ("the test part", &test)] {
            if let Some(label) = part.labels.iter().find(|&&l| usize::from(l) >= classes) {
                return Err(DataError::Damaged {
                    file: format!("{file} of {name}"),
                    expected: format!("labels below {classes}"),
                    found: label.to_string(),
                });
            }
        }
        Ok(Dataset { name: name.to_string(), classes, size, train, test })
    }

    /// Bytes of all images.
    pub fn bytes(&self) -> usize {
        self.train.images.len() + self.test.images.len()
    }

    /// Name and hash of the content: two data sets with equal ids are equal.
    pub fn id(&self) -> String {
        let mut hasher = blake3::Hasher::new();
        self.size.iter().for_each(|&n| {
            hasher.update(&(n as u64).to_le_bytes());
        });
        for part in [&self.train, &self.test] {
            hasher.update(&(part.labels.len() as u64).to_le_bytes());
            hasher.update(&part.images);
            hasher.update(&part.labels);
        }
        format!("{}-{}", self.name, &hasher.finalize().to_hex()[..16])
    }
}

/// How a data set is divided.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub struct SplitConfig {
    /// Images of the training file that are kept for validation.
    pub validation: usize,
    /// At most this many training images; `None`: all that are left.
    #[serde(default)]
    pub train_limit: Option<usize>,
    /// At most this many test images; `None`: all.
    #[serde(default)]
    pub test_limit: Option<usize>,
    /// Which images: the same for every candidate of a run.
    pub seed: u64,
}

impl Default for SplitConfig {
    fn default() -> Self {
        SplitConfig { validation: 1000, train_limit: None, test_limit: None, seed: 0 }
    }
}

/// A choice of images of one part.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Split {
    /// Whether they lie in the test part.
    pub of_test: bool,
    /// Their places in the part, rising.
    pub indices: Vec<u32>,
}

/// A divided data set.
#[derive(Clone, Debug)]
pub struct Splits {
    pub(crate) dataset: Arc<Dataset>,
    /// What weights are trained on.
    pub train: Split,
    /// What candidates are selected by.
    pub validation: Split,
    /// What is only reported.
    pub test: Split,
    /// For each channel of the data set, the normalised value of each byte.
    pub(crate) levels: Vec<[f32; 256]>,
    /// Mean and standard deviation of each channel over the training split, of values in 0 … 1.
    pub statistics: Vec<(f64, f64)>,
}

impl Splits {
    /// Divides a data set.
    ///
    /// # Errors
    /// More validation images than the training file has.
    pub fn new(dataset: Arc<Dataset>, config: &SplitConfig) -> Result<Splits, DataError> {
        let seed = Seed::from_u64(config.seed).derive("splits", &[]);
        let found = dataset.train.labels.len();
        if config.validation >= found || config.train_limit == Some(0) {
            let wanted = format!("{} validation images and at least one to train on", config.validation);
            return Err(DataError::TooSmall { name: dataset.name.clone(), found, wanted });
        }
        let order = balanced_order(&dataset.train.labels, dataset.classes, &seed);
        let (validation, rest) = order.split_at(config.validation);
        let train = &rest[..config.train_limit.unwrap_or(rest.len()).min(rest.len())];
        let test_order = balanced_order(&dataset.test.labels, dataset.classes, &seed.derive("test", &[]));
        let test = &test_order[..config.test_limit.unwrap_or(test_order.len()).min(test_order.len())];
        let split = |of_test: bool, chosen: &[u32]| {
            let mut indices = chosen.to_vec();
            indices.sort_unstable();
            Split { of_test, indices }
        };
        let (train, validation, test) = (split(false, train), split(false, validation), split(true, test));
        let statistics = batch::statistics(&dataset, &train);
        let levels = statistics
            .iter()
            .map(|&(mean, std)| std::array::from_fn(|v| ((v as f64 / 255.0 - mean) / std) as f32))
            .collect();
        Ok(Splits { dataset, train, validation, test, levels, statistics })
    }

    /// The data set's classes.
    pub fn classes(&self) -> usize {
        self.dataset.classes
    }

    /// Labels of a split, in the order of its indices.
    pub fn labels(&self, split: &Split) -> Vec<u8> {
        let part = self.part(split);
        split.indices.iter().map(|&i| part.labels[i as usize]).collect()
    }

    pub(crate) fn part(&self, split: &Split) -> &Part {
        if split.of_test { &self.dataset.test } else { &self.dataset.train }
    }
}

/// All indices, each class in random order, the classes taking turns: every prefix is balanced.
fn balanced_order(labels: &[u8], classes: usize, seed: &Seed) -> Vec<u32> {
    let mut by_class: Vec<Vec<u32>> = vec![Vec::new(); classes];
    for (i, &l) in labels.iter().enumerate() {
        if let Some(list) = by_class.get_mut(usize::from(l)) {
            list.push(i as u32);
        }
    }
    for (k, list) in by_class.iter_mut().enumerate() {
        seed.derive("class", &[k as u64]).draws().shuffle(list);
    }
    let longest = by_class.iter().map(Vec::len).max().unwrap_or(0);
    (0..longest).flat_map(|i| by_class.iter().filter_map(move |list| list.get(i).copied())).collect()
}

/// The red, green and blue plane of a picture, row by row.
fn planes(image: &image::RgbImage) -> impl Iterator<Item = u8> + '_ {
    (0..3).flat_map(move |c| image.pixels().map(move |p| p.0[c]))
}

fn read(path: &Path) -> Result<Vec<u8>, DataError> {
    std::fs::read(path).map_err(|source| DataError::Io { path: path.to_path_buf(), source })
}
