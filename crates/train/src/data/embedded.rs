//! The sample of Fashion-MNIST inside the program. Origin and licence: `assets/fashion-mnist/`.

/// Training images and labels, test images and labels: gzipped IDX files.
pub(super) const FILES: [&[u8]; 4] = [
    include_bytes!("../../../../assets/fashion-mnist/train-images-idx3-ubyte.gz"),
    include_bytes!("../../../../assets/fashion-mnist/train-labels-idx1-ubyte.gz"),
    include_bytes!("../../../../assets/fashion-mnist/t10k-images-idx3-ubyte.gz"),
    include_bytes!("../../../../assets/fashion-mnist/t10k-labels-idx1-ubyte.gz"),
];
