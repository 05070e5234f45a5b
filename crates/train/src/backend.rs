//! The tensor library's backends: the one place that names them.
//!
//! The rest of the crate is generic over [`Kernels`](crate::kernels::Kernels), so that another backend, or a release of the
//! library without backend parameters, is a change here. Refuses to guess: a device that this build or this machine does not
//! have is an error that says what is missing, found before the library would panic.

use std::fmt;
use std::str::FromStr;

/// Training on the CPU.
pub type Cpu = burn::backend::Autodiff<burn::backend::Flex>;

/// Training on an NVIDIA GPU.
#[cfg(feature = "cuda")]
pub type Cuda = burn::backend::Autodiff<burn::backend::Cuda>;

/// Where a network is trained. Written `cpu`, `cuda` or `cuda:1`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash)]
pub enum Device {
    /// The processor.
    #[default]
    Cpu,
    /// An NVIDIA GPU by its index.
    Cuda(usize),
}

/// In what products are computed: convolutions and matrix products. Everything else, parameters and optimiser too, is f32. Written
/// `f32` or `bf16`.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Hash, serde::Serialize, serde::Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Precision {
    /// As they are.
    #[default]
    F32,
    /// Operands and gradients are rounded to bf16, for tensor cores. On a CPU that is only slower.
    Bf16,
}

impl FromStr for Precision {
    type Err = DeviceError;

    fn from_str(s: &str) -> Result<Self, DeviceError> {
        match s {
            "f32" => Ok(Precision::F32),
            "bf16" => Ok(Precision::Bf16),
            other => Err(DeviceError::UnknownPrecision(other.into())),
        }
    }
}

/// A device that cannot be used.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum DeviceError {
    /// Not a device name.
    #[error("unknown device '{0}': expected 'cpu', 'cuda' or 'cuda:N'")]
    Unknown(String),
    /// Not a precision.
    #[error("unknown precision '{0}': expected 'f32' or 'bf16'")]
    UnknownPrecision(String),
    /// The build has no GPU support.
    #[error("device '{0}' needs a build with GPU support: build again with `--features cuda`, or use --device cpu")]
    NotCompiled(Device),
    /// A library that GPU training needs at run time was not found.
    #[error(
        "device '{device}' needs {library}, which was not found in {searched}: install {install}, or use --device cpu"
    )]
    MissingLibrary {
        /// The device asked for.
        device: Device,
        /// The shared library.
        library: &'static str,
        /// The folders that were searched.
        searched: String,
        /// What brings it.
        install: &'static str,
    },
}

impl fmt::Display for Device {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Device::Cpu => f.write_str("cpu"),
            Device::Cuda(0) => f.write_str("cuda"),
            Device::Cuda(i) => write!(f, "cuda:{i}"),
        }
    }
}

impl FromStr for Device {
    type Err = DeviceError;

    fn from_str(s: &str) -> Result<Self, DeviceError> {
        match s.split_once(':') {
            None if s == "cpu" => Ok(Device::Cpu),
            None if s == "cuda" => Ok(Device::Cuda(0)),
            Some(("cuda", n)) => n.parse().map(Device::Cuda).map_err(|_| DeviceError::Unknown(s.to_string())),
            _ => Err(DeviceError::Unknown(s.to_string())),
        }
    }
}

impl serde::Serialize for Device {
    fn serialize<S: serde::Serializer>(&self, s: S) -> Result<S::Ok, S::Error> {
        s.collect_str(self)
    }
}

impl<'de> serde::Deserialize<'de> for Device {
    fn deserialize<D: serde::Deserializer<'de>>(d: D) -> Result<Self, D::Error> {
        String::deserialize(d)?.parse().map_err(serde::de::Error::custom)
    }
}

impl Device {
    /// Whether this build and this machine can train on the device. `library_path` is the content of the loader's search
    /// variable (`LD_LIBRARY_PATH`), which the caller reads.
    ///
    /// # Errors
    /// What is missing and how to get it.
    pub fn check(self, library_path: &str) -> Result<(), DeviceError> {
        match self {
            Device::Cpu => Ok(()),
            Device::Cuda(_) if cfg!(not(feature = "cuda")) => Err(DeviceError::NotCompiled(self)),
            Device::Cuda(_) => {
                find_library(self, "libcuda.so", "the NVIDIA driver", library_path)?;
                find_library(self, "libnvrtc.so", "the CUDA toolkit (nvrtc)", library_path)
            }
        }
    }
}

/// Looks where the dynamic loader looks, without loading anything.
fn find_library(
    device: Device,
    library: &'static str,
    install: &'static str,
    library_path: &str,
) -> Result<(), DeviceError> {
    const SYSTEM: [&str; 7] = [
        "/usr/lib/x86_64-linux-gnu",
        "/usr/lib/aarch64-linux-gnu",
        "/usr/lib64",
        "/usr/lib",
        "/usr/local/cuda/lib64",
        "/usr/lib/wsl/lib",
        "/lib",
    ];
    let folders: Vec<&str> = library_path.split(':').filter(|p| !p.is_empty()).chain(SYSTEM).collect();
    let found = folders.iter().any(|folder| {
        std::fs::read_dir(folder).is_ok_and(|entries| {
            entries.flatten().any(|e| e.file_name().to_str().is_some_and(|name| name.starts_with(library)))
        })
    });
    if found {
        Ok(())
    } else {
        Err(DeviceError::MissingLibrary { device, library, searched: folders.join(", "), install })
    }
}
