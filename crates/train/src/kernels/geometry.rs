//! What the kernels are told of a layer, without any tensor library.

/// The settings of a two-dimensional convolution; padding is the same before and after.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct ConvGeometry {
    /// Step of the window.
    pub stride: [usize; 2],
    /// Zeros on each side.
    pub padding: [usize; 2],
    /// Distance between taps.
    pub dilation: [usize; 2],
    /// Number of channel groups.
    pub groups: usize,
}
