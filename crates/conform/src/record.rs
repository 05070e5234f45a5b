//! The oracle file: one JSON object a line, what PyTorch said of one network.

use crate::fill::Kind;
use archsmith_frontend::{Options, Prm};
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::io::{BufRead, BufReader, Read};
use std::path::{Path, PathBuf};

/// An oracle file that cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum OracleError {
    /// The file system refused, or the file is no gzip.
    #[error("the oracle {path} could not be read: {source}")]
    Io {
        /// The file.
        path: PathBuf,
        /// Why.
        source: std::io::Error,
    },
    /// A line is no record.
    #[error("{path}, line {line}: no record of a network: {source}")]
    Format {
        /// The file.
        path: PathBuf,
        /// Which line, from 1.
        line: usize,
        /// Where it differs.
        source: serde_json::Error,
    },
    /// No line at all.
    #[error("{0} holds no record")]
    Empty(PathBuf),
}

/// A tensor of the state dict: name, shape, how it is filled.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct StateRecord(pub String, pub Vec<usize>, pub Kind);

/// A buffer that stays as constructed: name, sum, sum of absolute values, whether it is random.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct KeptRecord(pub String, pub f64, pub f64, pub bool);

/// What PyTorch said of one network. Fields that do not apply are absent.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub struct Record {
    /// Name of the network and, with `.py`, of its file.
    pub name: String,
    /// The family it is counted in.
    pub family: String,
    /// Whether the forward pass gave finite scores `[2, 10]`.
    pub ok: bool,
    /// Whether training mode worked too.
    pub train_ok: bool,
    /// Hyperparameters.
    pub prm: BTreeMap<String, serde_json::Value>,
    /// Height and width of the images, 32 or 224.
    pub in_size: Option<usize>,
    /// Shape of the output for a batch of 2.
    pub out_shape: Option<Vec<usize>>,
    /// Multiply-adds a sample.
    pub macs: Option<u64>,
    /// The state dict in order.
    pub state: Vec<StateRecord>,
    /// Elements of all parameters.
    pub n_param: Option<u64>,
    /// Elements of the parameters that are trained.
    pub n_trainable: Option<u64>,
    /// Scores of evaluation mode, two rows.
    pub logits: Option<Vec<Vec<Option<f64>>>>,
    /// Greater than 0: evaluation is random.
    pub reseed: Option<f64>,
    /// How far scores move when the image moves by 2^-20, relative.
    pub pert: Option<f64>,
    /// Cross-entropy in training mode.
    pub loss: Option<f64>,
    /// Gradient norms in training mode.
    pub grads: Option<Vec<(String, Option<f64>)>>,
    /// As `pert`, for the training scores.
    pub train_pert: Option<f64>,
    /// As `pert`, for the gradients.
    pub train_grad_pert: Option<f64>,
    /// Greater than 0: training is random.
    pub train_reseed: Option<f64>,
    /// Cross-entropy in evaluation mode.
    pub eval_loss: Option<f64>,
    /// Gradient norms in evaluation mode.
    pub eval_grads: Option<Vec<(String, Option<f64>)>>,
    /// As `pert`, for the gradients in evaluation mode.
    pub eval_grad_pert: Option<f64>,
    /// Buffers that stay as constructed.
    pub kept: Vec<KeptRecord>,
    /// Where PyTorch refused: `import`, `init`, `forward` or `output`.
    pub stage: Option<String>,
    /// The exception's class.
    pub err_type: Option<String>,
    /// The exception's message.
    pub err: Option<String>,
}

impl Record {
    /// How the network is elaborated: a batch of 2, ten classes, the record's hyperparameters. It is constructed for a batch
    /// of 1. Where PyTorch accepts it in evaluation and refuses it in training, it is traced in evaluation alone.
    pub fn options(&self) -> Options {
        let size = self.in_size.unwrap_or(32);
        let prm = self.prm.iter().map(|(name, value)| {
            let value = match (value.as_i64(), value.as_f64(), value.as_str()) {
                (Some(v), _, _) => Prm::Int(v),
                (_, Some(v), _) => Prm::Float(v),
                (_, _, Some(v)) => Prm::Str(v.to_string()),
                _ => Prm::Str(value.to_string()),
            };
            (name.clone(), value)
        });
        Options {
            in_shape: [1, 3, size, size],
            batch: Some(2),
            classes: 10,
            prm: prm.collect(),
            eval_only: self.ok && !self.train_ok,
            ..Options::default()
        }
    }

    /// Whether the scores of evaluation mode can be compared: they are finite and not random.
    pub(crate) fn scores_comparable(&self) -> bool {
        let finite = self.logits.as_ref().is_some_and(|rows| rows.iter().flatten().all(Option::is_some));
        finite && self.reseed == Some(0.0) && !self.keeps_random()
    }

    /// Whether what is compared depends on random numbers that stay as constructed.
    fn keeps_random(&self) -> bool {
        self.kept.iter().any(|k| k.3)
    }

    /// The loss and gradients to compare with: those of training mode, or, where they are random or hang on the last bits of the
    /// image, those of evaluation mode, where given.
    pub(crate) fn expected_gradients(&self) -> Option<Expected<'_>> {
        if self.keeps_random() {
            return None;
        }
        if let (Some(grads), Some(pert)) = (&self.grads, self.train_grad_pert)
            && self.train_reseed == Some(0.0)
            && pert < CONDITIONED
        {
            let loss_pert = self.train_pert.unwrap_or(0.0);
            return Some(Expected { training: true, loss: self.loss, loss_pert, norms: grads, pert });
        }
        let (grads, pert) = (self.eval_grads.as_ref()?, self.eval_grad_pert?);
        let loss_pert = self.pert.unwrap_or(0.0);
        let usable = self.reseed == Some(0.0) && pert < CONDITIONED;
        usable.then_some(Expected { training: false, loss: self.eval_loss, loss_pert, norms: grads, pert })
    }
}

/// From here on gradients hang on the last bits of the image.
const CONDITIONED: f64 = 1e-4;

/// Loss and gradients to compare with.
#[derive(Clone, Copy, Debug)]
pub(crate) struct Expected<'a> {
    /// In training mode, else in evaluation mode.
    pub(crate) training: bool,
    pub(crate) loss: Option<f64>,
    pub(crate) loss_pert: f64,
    pub(crate) norms: &'a [(String, Option<f64>)],
    pub(crate) pert: f64,
}

/// Reads an oracle file, plain or gzip.
///
/// # Errors
/// A file that cannot be read, a line that is no record, no line.
pub fn read_oracle(path: &Path) -> Result<Vec<Record>, OracleError> {
    let io = |source| OracleError::Io { path: path.to_path_buf(), source };
    let bytes = std::fs::read(path).map_err(io)?;
    let reader: Box<dyn Read> = match bytes.starts_with(&[0x1f, 0x8b]) {
        true => Box::new(flate2::read::MultiGzDecoder::new(bytes.as_slice())),
        false => Box::new(bytes.as_slice()),
    };
    let mut records = Vec::new();
    for (k, line) in BufReader::new(reader).lines().enumerate() {
        let line = line.map_err(io)?;
        if !line.trim().is_empty() {
            let wrong = |source| OracleError::Format { path: path.to_path_buf(), line: k + 1, source };
            records.push(serde_json::from_str(&line).map_err(wrong)?);
        }
    }
    if records.is_empty() {
        return Err(OracleError::Empty(path.to_path_buf()));
    }
    Ok(records)
}
